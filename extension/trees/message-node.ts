import * as l10n from '@vscode/l10n';
import type { ClusterFailure } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import type { NodeItem, TooltipLine, TreeNode, Tone, NodeFlag } from './tree-node.ts';

/** A sentence in the tree: why something is missing, or that nothing is. */
export class MessageNode implements TreeNode {
  readonly id: string;
  readonly flags: readonly NodeFlag[];
  readonly #item: NodeItem;
  readonly #tooltip: TooltipLine[];

  constructor(
    id: string,
    message: {
      label: string;
      description?: string;
      icon: string;
      tone?: Tone;
      flags?: NodeFlag[];
      tooltip?: TooltipLine[];
      command?: NodeItem['command'];
    },
  ) {
    this.id = id;
    this.flags = ['message', ...(message.flags ?? [])];
    const { label, description, icon, tone = 'plain', command } = message;
    this.#item = {
      label,
      ...(description && { description }),
      icon,
      tone,
      spoken: [label, description].filter(Boolean).join(', '),
      expands: 'no',
      ...(command && { command }),
    };
    this.#tooltip = message.tooltip ?? [{ as: 'text', text: [label, description].filter(Boolean).join(' ') }];
  }

  item(): NodeItem {
    return this.#item;
  }

  tooltip(): TooltipLine[] {
    return this.#tooltip;
  }

  children(): TreeNode[] {
    return [];
  }
}

/**
 * A cluster, or a part of one, that could not be read: what is wrong in a few words, as a side bar is narrow, then the
 * whole reason; choosing it tries again.
 */
export function failureNode(id: string, failure: ClusterFailure, label: string): MessageNode {
  return new MessageNode(id, {
    label,
    description: l10n.t('Retry · {0}', failure.message),
    icon: 'error',
    tone: 'error',
    flags: ['retry'],
    tooltip: [
      { as: 'text', text: failure.message },
      ...(failure.next ? [{ as: 'text', text: failure.next } as const] : []),
      { as: 'text', text: l10n.t('Choose this line to try again.') },
    ],
    command: { id: commandIds.refresh, title: l10n.t('Retry') },
  });
}

/** What keeps a cluster from being shown, in a few words. */
export function summarizeFailure({ reason, status, cause }: ClusterFailure, cluster = l10n.t('the cluster')): string {
  switch (reason) {
    case 'unreachable':
      return l10n.t('No connection to {0}', cluster);
    case 'timeout':
      return l10n.t('No answer from {0}', cluster);
    case 'unauthorized':
      if ((cause as { code?: unknown } | undefined)?.code === 'ENOENT') return l10n.t('The login program is missing');
      // Nobody asked the cluster: what logs in to it failed before.
      if (status === undefined) return l10n.t('Could not log in to {0}', cluster);
      return l10n.t('Login refused by {0}', cluster);
    case 'forbidden':
      return l10n.t('No rights on {0}', cluster);
    case 'kubeconfig':
      return l10n.t('The kubeconfig cannot be used');
    case 'too-many-requests':
      return l10n.t('Too many requests for {0}', cluster);
    case 'server-error':
      return l10n.t('Error in {0}', cluster);
    default:
      return l10n.t('Could not read {0}', cluster);
  }
}
