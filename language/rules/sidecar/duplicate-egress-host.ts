import * as l10n from '@vscode/l10n';
import { dropItem } from '../drop-field.ts';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineWarning } from '../define-webhook-rule.ts';

/** Hosts that others of the same egress hold already. */
export const duplicateEgressHost = defineWarning('Sidecar', {
  id: 'sidecar/duplicate-egress-host',
  why: 'Hosts of an egress that are there twice, or beside "*" of their namespace, or beside "*/*", add nothing; Istio warns, for one who narrows the list wants them gone.',
  *check({ spec, namespace }) {
    for (const listener of spec.at('egress').items) yield* findDuplicates(listener.at('hosts'), namespace);
  },
});

function* findDuplicates(list: Located, own: string): Iterable<Finding> {
  const hosts = list.items;
  const known = new Map<string, Map<string, Located>>();
  const everything = hosts.find((host) => host.string === '*/*');
  for (const host of hosts) {
    const slash = host.string?.indexOf('/') ?? -1;
    if (slash === -1) continue;
    const [before, name] = [host.string!.slice(0, slash), host.string!.slice(slash + 1)];
    // Behind "~" stands what the others shall not hold: beside them it is no repetition.
    const namespace = before === '.' ? own : before;
    const names = known.get(namespace) ?? new Map<string, Located>();
    known.set(namespace, names);
    const first = names.get(name) ?? (name === '*' ? [...names.values()][0] : names.get('*'));
    names.set(name, first ?? host);
    if (first)
      yield finding(
        host,
        name === '*' && first.string !== host.string
          ? l10n.t('"{0}" holds "{1}" already: Istio warns. Keep one of them.', host.string!, first.string!)
          : l10n.t('"{0}" is in "{1}" already: Istio warns. Remove it.', host.string!, first.string!),
        {
          related: [{ at: first, message: l10n.t('First named here') }],
          fixes: name === '*' && first.string !== host.string ? [] : [dropItem(list, host)],
        },
      );
    else if (everything && namespace !== '*' && !namespace.startsWith('~'))
      yield finding(
        host,
        l10n.t('"*/*" holds everything, so "{0}" adds nothing: Istio warns. Remove one.', host.string!),
        {
          related: [{ at: everything, message: l10n.t('Everything') }],
        },
      );
  }
}
