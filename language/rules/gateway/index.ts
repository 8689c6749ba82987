import type { Rule } from '../../rule.ts';
import { badHost } from './bad-host.ts';
import { badName } from './bad-name.ts';
import { badPort } from './bad-port.ts';
import { duplicatePortName } from './duplicate-port-name.ts';
import { istioMutualWithCertificates } from './istio-mutual-with-certificates.ts';
import { noServers } from './no-servers.ts';
import { redirectOnTlsPort } from './redirect-on-tls-port.ts';
import { severalCertificateSources } from './several-certificate-sources.ts';
import { tlsUnlikeProtocol } from './tls-unlike-protocol.ts';

/** What Istio's webhook says of one resource alone. */
export const gatewayRules: readonly Rule[] = [
  badHost,
  badName,
  badPort,
  duplicatePortName,
  istioMutualWithCertificates,
  noServers,
  redirectOnTlsPort,
  severalCertificateSources,
  tlsUnlikeProtocol,
];
