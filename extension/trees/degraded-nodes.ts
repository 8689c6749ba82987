import * as l10n from '@vscode/l10n';
import { resourceTypes } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import { MessageNode } from './message-node.ts';
import type { Part, PartState, TreeStore } from './store/tree-store.ts';

interface Entry {
  part: Part;
  state: PartState;
}

const names = (entries: readonly Entry[]) => entries.map(({ part }) => resourceTypes[part].plural).join(', ');

/**
 * What is missing from the picture, and why: a line for what may not be read, one for what is read in some namespaces
 * only, one for each of these in which something is refused, one for each part that fails otherwise.
 */
export function degradedNodes(store: TreeStore, parts: readonly Part[]): MessageNode[] {
  const degraded = store.degraded().filter(({ part }) => parts.includes(part));
  const limited = degraded.filter(({ state }) => state.onlyNamespaces !== undefined && state.phase === 'live');
  const refused = degraded.filter(({ state }) => state.phase === 'refused' && state.failure?.reason === 'forbidden');
  const failed = degraded.filter((entry) => !limited.includes(entry) && !refused.includes(entry));
  const retry = { id: commandIds.refresh, title: l10n.t('Retry') };
  const nodes: MessageNode[] = [];
  if (store.scope?.from !== 'chosen') nodes.push(...limitedNode(store, limited));
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
  nodes.push(...partlyRefusedNodes(degraded));
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

function limitedNode({ scope }: TreeStore, limited: readonly Entry[]): MessageNode[] {
  const { onlyNamespaces = [] } = limited[0]?.state ?? {};
  if (onlyNamespaces.length === 0) return [];
  const label =
    onlyNamespaces.length === 1
      ? l10n.t('Only namespace {0} is shown', onlyNamespaces[0]!)
      : l10n.t('Only namespaces {0} are shown', onlyNamespaces.join(', '));
  const why = l10n.t('no right to list {0} in all namespaces', names(limited));
  const unasked = scope?.unasked ?? 0;
  return [
    new MessageNode('degraded:namespace', {
      label,
      description: why,
      icon: 'lock',
      tone: 'quiet',
      flags: ['retry'],
      tooltip: [
        { as: 'text', text: `${label}: ${why}` },
        ...(unasked > 0
          ? [{ as: 'text', text: l10n.t('{0} namespaces more were not asked about.', unasked) } as const]
          : []),
        { as: 'text', text: l10n.t('Choose this line to name the namespaces that you may read.') },
      ],
      command: { id: commandIds.chooseNamespaces, title: l10n.t('Choose Namespaces…') },
    }),
  ];
}

function partlyRefusedNodes(degraded: readonly Entry[]): MessageNode[] {
  const byNamespace = new Map<string, Entry[]>();
  for (const entry of degraded)
    for (const name of entry.state.refusedIn ?? []) byNamespace.set(name, [...(byNamespace.get(name) ?? []), entry]);
  return [...byNamespace].map(
    ([name, entries]) =>
      new MessageNode(`degraded:in:${name}`, {
        label: l10n.t('No right to list {0} in {1}', names(entries), name),
        description: l10n.t('what depends on them is left out'),
        icon: 'lock',
        tone: 'quiet',
        flags: ['retry'],
        command: { id: commandIds.refresh, title: l10n.t('Retry') },
      }),
  );
}
