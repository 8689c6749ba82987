import * as l10n from '@vscode/l10n';
import { resourceTypes } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import { MessageNode } from './message-node.ts';
import type { Part, TreeStore } from './tree-store.ts';

/**
 * What is missing from the picture, and why: a line for what may not be read, one for what is read in a single namespace
 * only, one for each part that fails otherwise.
 */
export function degradedNodes(store: TreeStore, parts: readonly Part[]): MessageNode[] {
  const degraded = store.degraded().filter(({ part }) => parts.includes(part));
  const limited = degraded.filter(({ state }) => state.onlyNamespace !== undefined && state.phase === 'live');
  const refused = degraded.filter(({ state }) => state.phase === 'refused' && state.failure?.reason === 'forbidden');
  const failed = degraded.filter((entry) => !limited.includes(entry) && !refused.includes(entry));
  const names = (entries: { part: Part }[]) => entries.map(({ part }) => resourceTypes[part].plural).join(', ');
  const retry = { id: commandIds.refresh, title: l10n.t('Retry') };
  const nodes: MessageNode[] = [];
  const [first] = limited;
  if (first) {
    nodes.push(
      new MessageNode('degraded:namespace', {
        label: l10n.t('Only namespace {0} is shown', first.state.onlyNamespace ?? ''),
        description: l10n.t('no right to list {0} in all namespaces', names(limited)),
        icon: 'lock',
        tone: 'quiet',
        flags: ['retry'],
        command: retry,
      }),
    );
  }
  if (refused.length > 0) {
    nodes.push(
      new MessageNode('degraded:forbidden', {
        label: l10n.t('No right to list {0}', names(refused)),
        description: l10n.t('what depends on them is left out'),
        icon: 'lock',
        tone: 'quiet',
        flags: ['retry'],
        tooltip: refused.flatMap(({ state }) => [
          { as: 'text', text: state.failure?.message ?? '' } as const,
          { as: 'text', text: state.failure?.next ?? '' } as const,
        ]),
        command: retry,
      }),
    );
  }
  for (const { part, state } of failed) {
    nodes.push(
      new MessageNode(`degraded:${part}`, {
        label: l10n.t('Could not list {0}', resourceTypes[part].plural),
        description: state.failure?.message ?? '',
        icon: 'warning',
        tone: 'warning',
        flags: ['retry'],
        command: retry,
      }),
    );
  }
  return nodes;
}
