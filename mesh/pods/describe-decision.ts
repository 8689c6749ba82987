import * as l10n from '@vscode/l10n';
import type { Pod } from '../kubernetes.ts';
import { literal } from '../markdown.ts';
import type { Step } from '../step.ts';
import { adviseOnDecision } from './advise-on-decision.ts';
import { describePod, type PodMeshState } from './describe-pod.ts';

export interface ExplainedDecision {
  /** `Deployment shop/reviews` */
  subject: string;
  /** Where it was read: `Cluster kind-mesh`. */
  origin?: string;
  decision: {
    injected: boolean;
    revision?: string;
    templates: readonly string[];
    by: 'init' | 'cni' | null;
    steps: readonly Step[];
  };
  /** It is in a cluster, where commands can restart it and show it. */
  live?: boolean;
  /** The pod as it runs, to compare with what would be decided now. */
  running?: Pod;
  /** What could not be read; it counted as a default installation has it. */
  missing?: readonly string[];
}

/**
 * The decision on injection for a person to read: the verdict, the steps in Istio's order with the values that decided,
 * and what is otherwise with the pod that runs.
 * @returns Markdown in which every text of a cluster stands literally.
 */
export function describeDecision({
  subject,
  origin,
  decision,
  live = false,
  running,
  missing = [],
}: ExplainedDecision): string {
  const last = decision.steps.at(-1);
  const parts = [`# ${l10n.t('Injection of {0}', literal(subject))}`];
  if (origin !== undefined) parts.push(literal(origin));
  parts.push(`**${verdict(decision, last)}**`);
  const state = running && describePod(running, { decision: { ...decision, steps: [...decision.steps] } });
  if (state) parts.push(describeRunning(state));
  parts.push(`## ${l10n.t('Step by step')}`, decision.steps.map(describeStep).join('\n'));
  if (missing.length > 0) {
    parts.push(
      `> ${l10n.t('Could not be read, and counted as a default installation has it: {0}.', literal(missing.join(', ')))}`,
    );
  }
  parts.push(`## ${l10n.t('What to do')}`, ...nextSteps(decision, live, state).map(literal));
  parts.push(
    l10n.t(
      'The API server asks first: do the selectors of an injector’s webhook take the pod? Only labels count there. Then the injector looks at the pod itself. The last step decided.',
    ),
  );
  return `${parts.join('\n\n')}\n`;
}

function verdict({ injected, revision, by, templates }: ExplainedDecision['decision'], last: Step | undefined): string {
  if (!injected)
    return last?.verdict === 'reject'
      ? l10n.t('A new pod would be refused.')
      : l10n.t('A new pod would not be injected.');
  const how =
    by === 'init'
      ? l10n.t('istio-init programs the redirect rules')
      : by === 'cni'
        ? l10n.t('the CNI plugin programs the redirect rules')
        : l10n.t('nothing is redirected');
  return l10n.t(
    'A new pod would be injected by revision {0} with template {1}; {2}.',
    literal(revision ?? '?'),
    literal(templates.join(', ')),
    how,
  );
}

/** @param state of the pod that runs, where it is one. */
function nextSteps({ injected, steps }: ExplainedDecision['decision'], live: boolean, state?: PodMeshState): string[] {
  const restart = l10n.t(
    '“Mesh: Restart Workload” shows first what a restart changes, and whether the new pods are injected.',
  );
  if (injected && state?.differs !== undefined)
    return [l10n.t('Restart its workload: only new pods are injected as it is decided now.'), restart];
  if (injected) return [l10n.t('Nothing: it is injected when it is created.')];
  const advice = adviseOnDecision(steps);
  if (advice === undefined) return [l10n.t('The last step says what stands against it; what it names has to change.')];
  return live ? [advice, l10n.t('“Mesh: Show YAML” shows what it is made of now.'), restart] : [advice];
}

function describeRunning(state: PodMeshState): string {
  const facts = [
    state.says,
    state.role === 'none' ? undefined : state.interception.says,
    state.differs,
    state.trouble?.says,
  ];
  return [`## ${l10n.t('The pod as it runs')}`, ...facts.filter((fact) => fact !== undefined).map(literal)].join(
    '\n\n',
  );
}

const marks: Record<Step['verdict'], string> = { continue: '→', inject: '✓', skip: '✗', reject: '⛔' };

function describeStep({ check, value, verdict: decided, says }: Step, index: number): string {
  const found = value === undefined ? '' : ` (${literal(value)})`;
  return `${index + 1}. ${marks[decided]} **${literal(check)}**${found}: ${literal(says)}`;
}
