import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';
import { whyBadRegex } from './string-matches.ts';

/** A rewrite that changes nothing, or the uri in two ways. */
export const badRewrite = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-rewrite',
  why: 'A rewrite changes the uri, by its prefix or by a regex, or the authority; Istio refuses one that changes nothing, and both ways together.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      const { key, value: rewrite } = http.entry('rewrite') ?? {};
      if (!key || rewrite?.type !== 'map') continue;
      const { uri, regex, authority } = {
        uri: rewrite.at('uri'),
        regex: rewrite.entry('uriRegexRewrite'),
        authority: rewrite.at('authority'),
      };
      if (!uri.string && !authority.string && !regex?.value.isSet)
        yield finding(
          key,
          l10n.t('This rewrite changes nothing: Istio refuses it. Add "uri", "uriRegexRewrite" or "authority".'),
        );
      if (uri.string && regex?.value.isSet)
        yield finding(regex.key, l10n.t('"uri" excludes "uriRegexRewrite": Istio refuses both together. Keep one.'), {
          fixes: [dropField(rewrite, 'uri'), dropField(rewrite, 'uriRegexRewrite')],
        });
      if (regex?.value.type !== 'map') continue;
      const { match, text } = { match: regex.value.at('match'), text: regex.value.at('rewrite') };
      if (!match.string || !text.string)
        yield finding(
          regex.key,
          l10n.t('"uriRegexRewrite" needs "match" and "rewrite": Istio refuses one without the other, and empty ones.'),
        );
      const reason = match.string ? whyBadRegex(match.string) : undefined;
      if (reason) yield finding(match, l10n.t('Istio refuses this regex: {0}.', reason));
    }
  },
});
