import * as l10n from '@vscode/l10n';
import type { ExplainedPod, ExplainedStep } from './explain-pod.ts';

/** One paragraph for each pod: the outcome, and below it the steps with what they found and where. */
export function printExplainedPods(pods: readonly ExplainedPod[], color: boolean): string {
  const paint: Paint = color ? (code, text) => `\u001b[${code}m${text}\u001b[0m` : (_, text) => text;
  return pods.map((pod) => printPod(pod, paint)).join('\n');
}

type Paint = (code: number, text: string) => string;

const green = 32;
const red = 31;
const dim = 2;
const bold = 1;

function printPod(pod: ExplainedPod, paint: Paint): string {
  const { resource, file, range, injected, steps, cni } = pod;
  const name = `${resource.kind} ${resource.namespace}/${resource.name}`;
  const lines = [
    `${paint(injected ? green : red, injected ? '✓' : '✗')} ${paint(bold, name)}: ${outcome(pod)}  ${paint(dim, place(file, range))}`,
    ...printSteps(steps, paint),
  ];
  if (cni) lines.push(`  ${l10n.t("Then Istio's CNI plugin on the node:")}`, ...printSteps(cni.steps, paint));
  return lines.map((line) => `${line}\n`).join('');
}

function outcome({ injected, revision, templates, by, steps }: ExplainedPod): string {
  if (!injected) return steps.at(-1)?.verdict === 'reject' ? l10n.t('refused') : l10n.t('not injected');
  const from = l10n.t('injected by revision {0}, template {1}', revision ?? '?', templates.join(', '));
  if (by === null) return from;
  return `${from}; ${by === 'init' ? l10n.t('istio-init programs the redirect rules') : l10n.t('the CNI plugin programs the redirect rules')}`;
}

const marks = { continue: '·', inject: '✓', skip: '✗', reject: '✗' };
const colors = { continue: dim, inject: green, skip: red, reject: red };

function printSteps(steps: readonly ExplainedStep[], paint: Paint): string[] {
  const width = Math.max(...steps.map(({ check }) => check.length));
  return steps.map(({ check, verdict, says, file, range }) => {
    const where = file !== undefined && range ? `  ${paint(dim, place(file, range))}` : '';
    return `  ${paint(colors[verdict], `${marks[verdict]} ${check.padEnd(width)}`)}  ${says}${where}`;
  });
}

/** Counted from 1, as editors and terminals do that make a link of it. */
function place(file: string, { start }: NonNullable<ExplainedStep['range']>): string {
  return `${file}:${start.line + 1}:${start.character + 1}`;
}
