/** Whether a host is that of a gateway for traffic that leaves the mesh, by the name that installations give it. */
export function isEgressGateway(host: string): boolean {
  return /egress/.test(host.split('.')[0]!);
}
