import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Listeners are told apart by the names of their ports. */
export const duplicatePortName = defineRefusal('Gateway', {
  id: 'gateway/duplicate-port-name',
  why: 'The servers of a Gateway are told apart by the names of their ports: Istio refuses two of one name.',
  *check({ spec }) {
    const seen = new Map<string, Located>();
    for (const name of spec.at('servers').items.map((server) => server.at('port', 'name'))) {
      if (!name.string) continue;
      const first = seen.get(name.string);
      if (!first) seen.set(name.string, name);
      else
        yield finding(
          name,
          l10n.t('Two servers have a port named "{0}": Istio refuses it. Give each its own name.', name.string),
          {
            related: [{ at: first, message: l10n.t('First named here') }],
          },
        );
    }
  },
});
