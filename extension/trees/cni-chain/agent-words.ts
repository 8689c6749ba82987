/** What the CNI plugin's agent tells of itself and of pods, in words: for the trees and the chain panel. */
import * as l10n from '@vscode/l10n';
import type { PodOutcome, PodRecord, ReadAgentResult } from '../../../contract/cni-plugin.ts';
import type { Severity } from '../../../contract/cni-chain-view.ts';

export interface AgentStanding {
  severity: Severity;
  /** For the end of a line: `runs`. */
  short: string;
  says: string;
}

/**
 * Whether the agent of a node does its work.
 * @param chained whether our plugin stands in the chain that the runtime uses: then it is missed when it is away.
 */
export function describeAgent({ status, running }: ReadAgentResult, chained: boolean): AgentStanding {
  if (running && status) {
    if (status.api.connected)
      return {
        severity: 'good',
        short: l10n.t('runs'),
        says: l10n.t(
          'The agent of Meshloom’s CNI plugin has run since {0} and knows the node’s pods from the API server.',
          localTime(status.since),
        ),
      };
    return {
      severity: 'warning',
      short: l10n.t('runs without the API server'),
      says: l10n.t(
        'The agent of Meshloom’s CNI plugin has run since {0}, but has no connection to the API server: {1}. It goes by what the runtime hands over with each pod.',
        localTime(status.since),
        (status.api.why ?? l10n.t('it did not say why')).replace(/\.$/, ''),
      ),
    };
  }
  if (running)
    return {
      severity: 'info',
      short: l10n.t('starts'),
      says: l10n.t('The agent answers, but has not told anything of itself yet.'),
    };
  if (status)
    return {
      severity: chained ? 'error' : 'warning',
      short: l10n.t('does not answer'),
      says: l10n.t(
        'The agent gave its last sign of life at {0} and does not answer now. Pods that start meanwhile get no rules from it; they are noted, and repaired when it is back.',
        localTime(status.aliveAt),
      ),
    };
  return {
    severity: chained ? 'error' : 'info',
    short: l10n.t('does not run'),
    says: chained
      ? l10n.t(
          'Meshloom’s CNI plugin is in the chain, but its agent has not run here since the node started: pods start without rules. Deploy the node helper in intercept mode, or take the plugin out of the chain.',
        )
      : l10n.t('Meshloom’s CNI plugin is not installed on this node.'),
  };
}

/** The outcomes in the order in which they are counted. */
export const outcomes: readonly PodOutcome[] = ['programmed', 'declined', 'missed', 'repaired', 'deleted'];

export function outcomeLabel(outcome: PodOutcome): string {
  switch (outcome) {
    case 'programmed':
      return l10n.t('programmed by Meshloom');
    case 'declined':
      return l10n.t('left alone by Meshloom');
    case 'missed':
      return l10n.t('missed: started without its rules');
    case 'repaired':
      return l10n.t('repaired by Meshloom after its start');
    case 'deleted':
      return l10n.t('deleted by Meshloom to start anew');
  }
}

export function outcomeSeverity(outcome: PodOutcome): Severity {
  if (outcome === 'missed') return 'error';
  return outcome === 'programmed' || outcome === 'repaired' ? 'good' : 'info';
}

/** What decided about a pod, in a sentence. */
export function describeRecord({ outcome, steps, problems, backend, families }: PodRecord): string {
  const last = steps.at(-1)?.says;
  if (outcome === 'missed') {
    const why = problems.at(-1) ?? last;
    return why
      ? l10n.t('It started without its rules: {0}', why)
      : l10n.t('It started without its rules, because no agent answered at that moment.');
  }
  if (outcome === 'programmed' || outcome === 'repaired') {
    const how = [
      backend && `iptables-${backend}`,
      families && families.length > 0 && families.map((family) => `IPv${family}`).join(', '),
    ].filter(Boolean);
    return how.length > 0
      ? l10n.t('The redirect rules are in its network namespace ({0}).', how.join('; '))
      : (last ?? '');
  }
  return last ?? problems.at(-1) ?? '';
}

/** The newest record of a pod: by its UID; where that was not learnt, by its name. */
export function findRecord(
  records: readonly PodRecord[],
  pod: { uid?: string; namespace?: string; name?: string },
): PodRecord | undefined {
  const own = records.filter(
    ({ uid, namespace, name }) =>
      (uid !== '' && uid === pod.uid) || (uid === '' && namespace === pod.namespace && name === pod.name),
  );
  return own.reduce<PodRecord | undefined>(
    (newest, record) => (newest && newest.at >= record.at ? newest : record),
    undefined,
  );
}

/** ISO 8601 → as the machine of the reader writes it; what is no time stays as it is. */
export function localTime(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : time.toLocaleString();
}
