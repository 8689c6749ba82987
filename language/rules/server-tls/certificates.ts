import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';

/** Where a server takes its certificate from; Istio takes one way only. */
export function certificateSources(tls: Located): { credential: string[]; files: string[] } {
  return {
    credential: ['credentialName', 'credentialNames', 'tlsCertificates'].filter((field) => isGiven(tls, field)),
    files: ['serverCertificate', 'privateKey', 'caCertificates'].filter((field) => isGiven(tls, field)),
  };
}

/** Written, and neither empty text nor an empty list: to Istio these say nothing. */
export function isGiven(tls: Located, field: string): boolean {
  return Boolean(tls.at(field).string) || tls.at(field).items.length > 0;
}

export interface TlsServer {
  /** A server of a Gateway, or an ingress of a Sidecar. */
  server: Located;
  tls: Located;
  protocol: string;
  mode: string;
}

/** The servers that have TLS settings, with these: of a Gateway its servers, of a Sidecar its ingress. */
export function* tlsServers({ spec }: Pick<Resource, 'spec'>): Iterable<TlsServer> {
  for (const server of [...spec.at('servers').items, ...spec.at('ingress').items]) {
    const tls = server.at('tls');
    if (tls.type !== 'map') continue;
    // Of an enum the first value is the default.
    const mode = tls.at('mode').isSet ? (tls.at('mode').string ?? '') : 'PASSTHROUGH';
    yield { server, tls, mode, protocol: server.at('port', 'protocol').string ?? '' };
  }
}

/** The gateway (or sidecar) ends TLS in these modes and shows a certificate of its own. */
export function endsTls(mode: string): boolean {
  return ['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL'].includes(mode);
}

/** TLS goes through unopened. */
export function passesTls(mode: string): boolean {
  return mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH';
}
