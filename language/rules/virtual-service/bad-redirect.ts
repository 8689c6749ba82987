import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { QuickFix } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';
import { isWrongPort } from '../values/ports.ts';

/** A redirect that leads nowhere else, or with a status that is none. */
export const badRedirect = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-redirect',
  why: 'A redirect changes the uri (whole or its prefix), the authority, the scheme or the port, and answers with a status from 300 to 399; Istio refuses the rest.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      const { key, value: redirect } = http.entry('redirect') ?? {};
      if (!key || redirect?.type !== 'map') continue;
      const { uri, prefix, scheme, code, port } = {
        uri: redirect.at('uri'),
        prefix: redirect.at('prefixRewrite'),
        scheme: redirect.at('scheme'),
        code: redirect.at('redirectCode'),
        port: redirect.at('port'),
      };
      const changes = ['uri', 'prefixRewrite', 'authority', 'scheme', 'port', 'derivePort'];
      if (!changes.some((field) => redirect.at(field).isSet && redirect.at(field).string !== ''))
        yield finding(
          key,
          l10n.t(
            'This redirect leads to the same address again: Istio refuses it. Add "uri", "authority", "scheme" or "port".',
          ),
        );
      if (uri.string && prefix.string)
        yield finding(prefix, l10n.t('"uri" excludes "prefixRewrite": Istio refuses both together. Keep one.'), {
          fixes: [dropField(redirect, 'uri'), dropField(redirect, 'prefixRewrite')],
        });
      else if (prefix.string) {
        for (const match of http.at('match').items.map((item) => item.at('uri'))) {
          if (match.at('exact').isSet || match.at('regex').isSet)
            yield finding(
              match,
              l10n.t(
                '"prefixRewrite" replaces a prefix, so Istio takes only prefix matches of the uri beside it. Use "prefix" here, or "uri" in the redirect.',
              ),
            );
        }
      }
      if (code.number && (code.number < 300 || code.number > 399))
        yield finding(code, l10n.t('{0} is no status of a redirect: Istio takes 300 to 399.', code.text));
      if (scheme.string && !/^https?$/.test(scheme.string))
        yield finding(scheme, l10n.t('"{0}" is no scheme of a redirect: Istio takes http and https.', scheme.string), {
          fixes: /^https?$/i.test(scheme.string) ? [changeTo(scheme, scheme.string.toLowerCase())] : [],
        });
      // A port of 0 is one that is not given.
      if (port.number && isWrongPort(port.number))
        yield finding(port, l10n.t('{0} is no port: Istio takes 1 to 65535.', port.text));
    }
  },
});

function changeTo(value: Located, text: string): QuickFix {
  return { title: l10n.t('Change to {0}', text), preferred: true, edits: () => rename(value, text) };
}
