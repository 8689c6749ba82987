import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel } from '../values/hosts.ts';
import { isWrongPort } from '../values/ports.ts';
import { stringMatches, whyBadRegex } from './string-matches.ts';

/** Comparisons that Envoy cannot make, or that would be true for everything. */
export const badMatch = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-match',
  why: 'A regex is RE2 (no look-around, no back-references), not empty and at most 1024 bytes long; an empty prefix would match everything. Istio refuses the rest.',
  *check({ spec }) {
    for (const { field, match } of stringMatches(spec)) {
      const { regex, prefix } = { regex: match.at('regex'), prefix: match.at('prefix') };
      if (prefix.string === '' && field !== 'uri')
        yield finding(
          prefix,
          l10n.t('An empty prefix matches every "{0}": Istio refuses it. Write what it begins with.', field),
        );
      const reason = regex.string === undefined ? undefined : whyBadRegex(regex.string);
      if (reason) yield finding(regex, l10n.t('Istio refuses this regex: {0}.', reason));
    }
    for (const match of matches(spec, ['http'])) {
      const namespace = match.at('sourceNamespace');
      if (namespace.string && !isDnsLabel(namespace.string))
        yield finding(namespace, l10n.t('"{0}" cannot be a namespace: Istio refuses it.', namespace.string));
      for (const { key } of [...match.at('headers').entries, ...match.at('withoutHeaders').entries])
        if (key.value === '') yield finding(key, l10n.t('A header needs a name: Istio refuses an empty one.'));
    }
    for (const port of matches(spec, ['http', 'tls', 'tcp']).map((match) => match.at('port'))) {
      // A port of 0 is one that is not given.
      if (port.number && isWrongPort(port.number))
        yield finding(port, l10n.t('{0} is no port: Istio takes 1 to 65535.', port.text));
    }
  },
});

function matches(spec: Located, protocols: string[]): Located[] {
  return protocols.flatMap((name) => spec.at(name).items.flatMap((rule) => rule.at('match').items));
}
