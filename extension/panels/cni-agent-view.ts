/** What the plugin's agent answered → what the chain view shows of it. Pure. */
import * as l10n from '@vscode/l10n';
import type { AgentView, FactView, PodRecordView } from '../../contract/cni-chain-view.ts';
import type { AgentSettings, PodRecord, ReadAgentResult } from '../../contract/cni-plugin.ts';
import {
  describeAgent,
  describeRecord,
  localTime,
  outcomeLabel,
  outcomes,
  outcomeSeverity,
} from '../trees/cni-chain/agent-words.ts';

/** A node has a few hundred pods at most; the records of those that are gone are dropped on the node. */
const shownRecords = 250;

/** @param chained whether our plugin stands in the chain. */
export function agentView(result: ReadAgentResult, chained: boolean): AgentView {
  const records = [...result.records].sort(byImportance);
  return {
    ...describeAgent(result, chained),
    facts: factsOf(result),
    counts: outcomes.flatMap((outcome) => {
      const count = result.records.filter((record) => record.outcome === outcome).length;
      return count > 0 ? [{ outcome, label: outcomeLabel(outcome), count }] : [];
    }),
    records: records.slice(0, shownRecords).map(recordView),
    omitted: Math.max(0, records.length - shownRecords),
    notes: result.notes,
  };
}

/** What needs a look first, then the newest. */
function byImportance(a: PodRecord, b: PodRecord): number {
  const rank = ({ outcome, problems }: PodRecord) => (outcome === 'missed' ? 0 : problems.length > 0 ? 1 : 2);
  return rank(a) - rank(b) || (a.at < b.at ? 1 : a.at > b.at ? -1 : 0);
}

function recordView(record: PodRecord): PodRecordView {
  const { namespace, name, containerId, outcome, steps, problems, at, tookMs } = record;
  return {
    namespace,
    name: name || l10n.t('sandbox {0}', containerId.slice(0, 12)),
    outcome,
    label: outcomeLabel(outcome),
    severity: problems.length > 0 && outcome !== 'missed' ? 'warning' : outcomeSeverity(outcome),
    says: describeRecord(record),
    steps: steps.map(({ says }) => says),
    problems,
    at: tookMs === undefined ? localTime(at) : l10n.t('{0}, in {1} ms', localTime(at), Math.round(tookMs * 10) / 10),
  };
}

function factsOf({ status }: ReadAgentResult): FactView[] {
  if (!status) return [];
  return [
    { name: l10n.t('Version'), value: status.version },
    ...(status.memory === undefined
      ? []
      : [{ name: l10n.t('Memory'), value: `${(status.memory / 1024 / 1024).toFixed(1)} MiB` }]),
    ...settingsOf(status.settings),
  ];
}

function settingsOf({ excludeNamespaces, onMiss, backend }: AgentSettings): FactView[] {
  return [
    {
      name: l10n.t('Namespaces left alone'),
      value: excludeNamespaces.length > 0 ? excludeNamespaces.join(', ') : l10n.t('none'),
    },
    {
      name: l10n.t('A pod without its rules'),
      value: onMiss === 'delete' ? l10n.t('is deleted, so that it starts anew') : l10n.t('is given them later'),
    },
    {
      name: 'iptables',
      value: backend === 'auto' ? l10n.t('as the pod’s own network namespace shows') : `iptables-${backend}`,
    },
  ];
}
