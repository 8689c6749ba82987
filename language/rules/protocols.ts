/** The protocols that a port's name may begin with, in any case. */
const named = new Set('tcp udp grpc grpc-web http http_proxy http2 https tls mongo redis mysql'.split(' '));
const appProtocols = new Set(['kubernetes.io/h2c', 'kubernetes.io/ws', 'kubernetes.io/wss']);
/** Ports on which the server speaks first: without a name they are TCP, and nobody has to say so. */
const wellKnownPorts = new Set([25, 53, 3306, 27017]);

/** Whether Istio can tell a Service port's protocol without looking at the traffic. */
export function hasKnownProtocol(port: {
  number: number;
  name: string;
  protocol: string;
  appProtocol: string | undefined;
}): boolean {
  if (port.protocol === 'UDP') return true;
  if (port.appProtocol !== undefined && appProtocols.has(port.appProtocol)) return true;
  const name = (port.appProtocol ?? port.name).toLowerCase();
  return name.startsWith('grpc-web') || named.has(name.split('-')[0]!) || wellKnownPorts.has(port.number);
}
