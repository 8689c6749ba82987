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

/** A cluster, or a part of one, that could not be read: the reason, and choosing it tries again. */
export function failureNode(id: string, failure: ClusterFailure): MessageNode {
  return new MessageNode(id, {
    label: failure.message,
    description: l10n.t('Retry'),
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
