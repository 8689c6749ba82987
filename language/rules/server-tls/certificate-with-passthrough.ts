import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { insertEntry } from '../../edits.ts';
import { dropField } from '../drop-field.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { isHttpLike, isTlsLike } from '../values/ports.ts';
import { certificateSources, isGiven, passesTls, tlsServers } from './certificates.ts';

/** Who passes TLS through never ends it. */
export const certificateWithPassthrough = defineWarning(['Gateway', 'Sidecar'], {
  id: 'server-tls/certificate-with-passthrough',
  why: 'With mode PASSTHROUGH or AUTO_PASSTHROUGH TLS is never ended and no certificate shown; Istio warns of one that is given. Absent, the mode is PASSTHROUGH.',
  *check(resource) {
    for (const { tls, mode, protocol } of tlsServers(resource)) {
      if (!passesTls(mode) || !(isTlsLike(protocol) || isHttpLike(protocol))) continue;
      const { credential, files } = certificateSources(tls);
      // In plain HTTP Istio refuses the files outright.
      if (isHttpLike(protocol) && files.length > 0) continue;
      const given = [...credential, ...files, ...['caCrl'].filter((name) => isGiven(tls, name))];
      const [field] = given;
      if (!field) continue;
      const { key } = tls.entry(field)!;
      const hint = isHttpLike(protocol)
        ? l10n.t(
            '"{0}" is not used: a port with protocol {1} has no TLS. Use protocol HTTPS, or remove it.',
            field,
            protocol,
          )
        : l10n.t(
            '"{0}" is not used: with mode {1} TLS passes through unopened. Set mode SIMPLE or MUTUAL, or remove it.',
            field,
            mode,
          );
      const fixes = given.length === 1 && tls.entries.length > 1 ? [dropField(tls, field)] : [];
      // A Secret is named to be shown: what was forgotten is the mode.
      if (credential[0] && !tls.at('mode').exists && isTlsLike(protocol))
        fixes.unshift({ title: l10n.t('Set mode SIMPLE'), edits: () => insertEntry(tls, [], 'mode', 'SIMPLE') });
      yield finding(key, hint, { fixes });
    }
  },
});
