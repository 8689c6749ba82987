import type { Located } from '../../located.ts';

/** Where a server takes its certificate from; Istio takes one way only. */
export function certificateSources(tls: Located): { credential: string[]; files: string[] } {
  const given = (field: string) => Boolean(tls.at(field).string) || tls.at(field).items.length > 0;
  return {
    credential: ['credentialName', 'credentialNames', 'tlsCertificates'].filter(given),
    files: ['serverCertificate', 'privateKey', 'caCertificates'].filter(given),
  };
}

/** The servers that have TLS settings, with these. */
export function* tlsServers(
  spec: Located,
): Iterable<{ server: Located; tls: Located; protocol: string; mode: string }> {
  for (const server of spec.at('servers').items) {
    const tls = server.at('tls');
    if (tls.type !== 'map') continue;
    // Of an enum the first value is the default.
    const mode = tls.at('mode').isSet ? (tls.at('mode').string ?? '') : 'PASSTHROUGH';
    yield { server, tls, mode, protocol: server.at('port', 'protocol').string ?? '' };
  }
}
