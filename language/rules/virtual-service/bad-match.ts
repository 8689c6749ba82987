import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel } from '../values/hosts.ts';
import { isWrongPort } from '../values/ports.ts';
import { whyNoRe2 } from '../values/regex.ts';
import { stringMatches } from './string-matches.ts';

/** Envoy refuses programs over a limit; Istio stays below it by the length of the text. */
const longest = 1024;

/** Comparisons that Envoy cannot make, or that would be true for everything. */
export const badMatch = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-match',
  why: 'A regex is RE2 (no look-around, no back-references), not empty and at most 1024 characters long; an empty prefix would match everything. Istio refuses the rest.',
  *check({ spec }) {
    for (const { field, match } of stringMatches(spec)) {
      const { regex, prefix } = { regex: match.at('regex'), prefix: match.at('prefix') };
      if (prefix.string === '' && field !== 'uri')
        yield finding(
          prefix,
          l10n.t('An empty prefix matches every "{0}": Istio refuses it. Write what it begins with.', field),
        );
      if (regex.string === undefined) continue;
      const reason = whyBadRegex(regex.string);
      if (reason) yield finding(regex, l10n.t('Istio refuses this regex: {0}.', reason));
    }
    for (const match of ['http', 'tls', 'tcp'].flatMap((name) =>
      spec.at(name).items.flatMap((rule) => rule.at('match').items),
    )) {
      const { namespace, port } = { namespace: match.at('sourceNamespace'), port: match.at('port') };
      if (namespace.string && !isDnsLabel(namespace.string))
        yield finding(namespace, l10n.t('"{0}" cannot be a namespace: Istio refuses it.', namespace.string));
      // A port of 0 is one that is not given.
      if (port.number && isWrongPort(port.number))
        yield finding(port, l10n.t('{0} is no port: Istio takes 1 to 65535.', port.text));
    }
  },
});

function whyBadRegex(regex: string): string | undefined {
  if (regex === '') return l10n.t('it is empty');
  if (regex.length > longest)
    return l10n.t('it is {0} characters long, and at most {1} are allowed', regex.length, longest);
  return whyNoRe2(regex);
}
