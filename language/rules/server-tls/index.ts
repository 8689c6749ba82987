import type { Rule } from '../../rule.ts';
import { certificateWithPassthrough } from './certificate-with-passthrough.ts';
import { crlWithoutFiles } from './crl-without-files.ts';
import { ignoredCipher } from './ignored-cipher.ts';
import { missingCertificate } from './missing-certificate.ts';
import { oldTlsVersion } from './old-version.ts';

/** What Istio's webhook says of the TLS settings of a Gateway's servers and a Sidecar's ingress alike. */
export const serverTlsRules: readonly Rule[] = [
  certificateWithPassthrough,
  crlWithoutFiles,
  ignoredCipher,
  missingCertificate,
  oldTlsVersion,
];
