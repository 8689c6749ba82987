import type { Located } from '../../located.ts';

/** The mode of TLS settings that start TLS without a CA to verify the server's certificate; undefined for others. */
export function findUnverified(tls: Located, spec: Located): Located | undefined {
  const mode = tls.at('mode');
  if (mode.string !== 'SIMPLE' && mode.string !== 'MUTUAL') return undefined;
  const hasCredential = tls.at('credentialName').string && spec.at('workloadSelector').isSet;
  return tls.at('caCertificates').string || hasCredential ? undefined : mode;
}
