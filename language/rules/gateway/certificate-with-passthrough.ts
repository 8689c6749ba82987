import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { isTlsLike } from '../values/ports.ts';
import { certificateSources, tlsServers } from './certificates.ts';

/** Who passes TLS through never ends it. */
export const certificateWithPassthrough = defineWarning('Gateway', {
  id: 'gateway/certificate-with-passthrough',
  why: 'With mode PASSTHROUGH the gateway never ends TLS and shows no certificate; Istio warns of one that is given. Absent, the mode is PASSTHROUGH.',
  *check({ spec }) {
    for (const { tls, mode, protocol } of tlsServers(spec)) {
      if (!isTlsLike(protocol) || mode !== 'PASSTHROUGH') continue;
      const { credential, files } = certificateSources(tls);
      const [field] = [...credential, ...files];
      if (field)
        yield finding(
          tls.entry(field)!.key,
          l10n.t(
            '"{0}" is not used: with mode PASSTHROUGH (the default) the gateway does not end TLS. Set mode SIMPLE or MUTUAL, or remove it.',
            field,
          ),
        );
    }
  },
});
