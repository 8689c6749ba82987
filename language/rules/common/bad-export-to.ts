import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel } from '../values/hosts.ts';

/** exportTo says which namespaces see the resource: a list that says two things at once, or names no namespace, is refused. */
export const badExportTo = defineRefusal(['VirtualService', 'DestinationRule', 'ServiceEntry'], {
  id: 'common/bad-export-to',
  why: 'exportTo holds namespaces, "." (the own one) or "*" (all): Istio refuses other texts, repetitions, and "*" beside anything else.',
  *check({ kind, spec, metadata }) {
    const own = metadata.at('namespace').string;
    const entries = spec.at('exportTo').items.filter((entry) => entry.string !== undefined);
    const seen = new Set<string>();
    for (const entry of entries) {
      const name = entry.string!;
      const meant = name === '.' && own ? own : name;
      const alone = name === '*' || name === '~';
      if (name === '~' && kind !== 'ServiceEntry') {
        yield finding(entry, l10n.t('"~" (nobody) is taken in a ServiceEntry only. Use "." for the own namespace.'));
      } else if (!alone && name !== '.' && !isDnsLabel(name)) {
        yield finding(
          entry,
          l10n.t('"{0}" is no namespace: exportTo takes namespaces, "." for the own one, and "*" for all.', name),
        );
      } else if (seen.has(meant)) {
        yield finding(entry, l10n.t('"{0}" is here twice: Istio refuses repetitions in exportTo. Remove one.', name));
      } else if (alone && entries.length > 1) {
        yield finding(entry, l10n.t('"{0}" must stand alone in exportTo: the other entries contradict it.', name));
      }
      seen.add(meant);
    }
  },
});
