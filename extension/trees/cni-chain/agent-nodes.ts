/** What the CNI plugin's agent did, in the trees: of a node as a whole, and of a pod. */
import * as l10n from '@vscode/l10n';
import type { PodRecord, ReadAgentResult } from '../../../contract/cni-plugin.ts';
import { describeAgent, describeRecord, localTime, outcomeLabel, outcomes, outcomeSeverity } from './agent-words.ts';
import type { NodeItem, Tone, TooltipLine, TreeNode } from '../tree-node.ts';

const tones = { good: 'good', error: 'error', warning: 'warning', info: 'quiet' } as const;

/** The agent of our plugin on a node; below it, its pods. */
export class PluginAgentNode implements TreeNode {
  readonly id: string;
  readonly flags = ['agent'] as const;
  readonly #result: ReadAgentResult;
  readonly #chained: boolean;

  /** @param chained whether our plugin stands in the chain. */
  constructor(id: string, result: ReadAgentResult, chained: boolean) {
    this.id = id;
    this.#result = result;
    this.#chained = chained;
  }

  item(): NodeItem {
    const { short, severity } = describeAgent(this.#result, this.#chained);
    const description = [short, ...this.#counts()].join(' · ');
    return {
      label: l10n.t('Meshloom’s agent'),
      description,
      icon: severity === 'error' || severity === 'warning' ? severity : 'server-process',
      tone: tones[severity],
      spoken: l10n.t('Agent of Meshloom’s CNI plugin, {0}', description),
      expands: this.#result.records.length > 0 ? 'collapsed' : 'no',
    };
  }

  tooltip(): TooltipLine[] {
    const { status, notes } = this.#result;
    return [
      { as: 'heading', text: l10n.t('Meshloom’s agent') },
      { as: 'text', text: describeAgent(this.#result, this.#chained).says },
      ...(status ? [{ as: 'item', text: l10n.t('Version {0}', status.version) } as const] : []),
      ...this.#counts().map((text) => ({ as: 'item', text }) as const),
      ...notes.map((text) => ({ as: 'text', text }) as const),
    ];
  }

  children(): TreeNode[] {
    return [...this.#result.records]
      .sort((a, b) => Number(b.outcome === 'missed') - Number(a.outcome === 'missed') || (a.at < b.at ? 1 : -1))
      .map((record) => new RecordNode(`${this.id}/record:${record.containerId}`, record, nameOf(record)));
  }

  #counts(): string[] {
    return outcomes.flatMap((outcome) => {
      const count = this.#result.records.filter((record) => record.outcome === outcome).length;
      return count > 0 ? [`${count} ${outcomeLabel(outcome)}`] : [];
    });
  }
}

/** What the plugin did with one pod, and why (not). */
export class RecordNode implements TreeNode {
  readonly id: string;
  readonly flags = ['message'] as const;
  readonly #record: PodRecord;
  readonly #label: string | undefined;

  /** @param label the pod's name, where it does not stand below the pod itself. */
  constructor(id: string, record: PodRecord, label?: string) {
    this.id = id;
    this.#record = record;
    this.#label = label;
  }

  item(): NodeItem {
    const { outcome } = this.#record;
    const says = describeRecord(this.#record);
    const description = this.#label === undefined ? says : [outcomeLabel(outcome), says].filter(Boolean).join(' · ');
    const tone: Tone = tones[outcomeSeverity(outcome)];
    const label = this.#label ?? outcomeLabel(outcome);
    return {
      label,
      description,
      icon: icons[outcome],
      tone,
      spoken: `${label}, ${description}`,
      expands: 'no',
    };
  }

  tooltip(): TooltipLine[] {
    return recordLines(this.#record);
  }

  children(): TreeNode[] {
    return [];
  }
}

const icons = {
  programmed: 'pass',
  declined: 'circle-slash',
  missed: 'error',
  repaired: 'tools',
  deleted: 'trash',
} as const;

/** The record as lines of a tooltip: outcome, the decision in its order, what went wrong. */
export function recordLines(record: PodRecord): TooltipLine[] {
  const { outcome, steps, problems, at } = record;
  return [
    { as: 'heading', text: outcomeLabel(outcome) },
    { as: 'text', text: describeRecord(record) },
    ...steps.map(({ says }) => ({ as: 'item', text: says }) as const),
    ...problems.map((text) => ({ as: 'text', text }) as const),
    { as: 'text', text: localTime(at) },
  ];
}

function nameOf({ namespace, name, containerId }: PodRecord): string {
  return name ? `${namespace}/${name}` : l10n.t('sandbox {0}', containerId.slice(0, 12));
}
