import type { Rule } from '../../rule.ts';
import { badHost } from './bad-host.ts';
import { badName } from './bad-name.ts';
import { badPort } from './bad-port.ts';
import { certificateWithPassthrough } from './certificate-with-passthrough.ts';
import { crlWithoutFiles } from './crl-without-files.ts';
import { duplicatePortName } from './duplicate-port-name.ts';
import { istioMutualWithCertificates } from './istio-mutual-with-certificates.ts';
import { missingCertificate } from './missing-certificate.ts';
import { noServers } from './no-servers.ts';
import { redirectOnTlsPort } from './redirect-on-tls-port.ts';
import { severalCertificateSources } from './several-certificate-sources.ts';
import { tlsUnlikeProtocol } from './tls-unlike-protocol.ts';

/** What Istio's webhook says of one resource alone. */
export const gatewayRules: readonly Rule[] = [
  badHost,
  badName,
  badPort,
  certificateWithPassthrough,
  crlWithoutFiles,
  duplicatePortName,
  istioMutualWithCertificates,
  missingCertificate,
  noServers,
  redirectOnTlsPort,
  severalCertificateSources,
  tlsUnlikeProtocol,
];
