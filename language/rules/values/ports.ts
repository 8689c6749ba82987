/** The protocols that Istio knows by name, in any case. */
export const knownProtocols = [
  'HTTP',
  'HTTP2',
  'HTTP_PROXY',
  'GRPC',
  'GRPC-WEB',
  'HTTPS',
  'TLS',
  'TCP',
  'UDP',
  'MONGO',
  'REDIS',
  'MYSQL',
];
const httpLike = new Set(['HTTP', 'HTTP2', 'HTTP_PROXY', 'GRPC', 'GRPC-WEB']);

export function isKnownProtocol(protocol: string): boolean {
  return knownProtocols.includes(protocol.toUpperCase());
}

/** Envoy reads HTTP on such a port. */
export function isHttpLike(protocol: string): boolean {
  return httpLike.has(protocol.toUpperCase());
}

/** Envoy reads the SNI on such a port. */
export function isTlsLike(protocol: string): boolean {
  return protocol.toUpperCase() === 'HTTPS' || protocol.toUpperCase() === 'TLS';
}

export function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

/** A number that the structure lets pass (it is neither negative nor over 32 bits long) and that is no port all the same. */
export function isWrongPort(port: number | undefined): boolean {
  return Number.isInteger(port) && port! >= 0 && port! <= 0xffffffff && !isPort(port!);
}

/** Begins as the address of a unix socket does, whatever follows. */
export function isUnixAddress(address: string): boolean {
  return address.startsWith('unix://');
}

/** `unix:///path/to/socket`, or `unix://@name` in the abstract namespace of the kernel. */
export function isUnixSocket(address: string): boolean {
  return /^unix:\/\/(?:@|\/.*[^/]$)/s.test(address);
}

/** A port as text, from 0 on, as policies have it. Zeros may come first, as they may in Go. */
export function isPortText(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) <= 65535;
}
