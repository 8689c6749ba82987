/** What the nodes would change, each distinct change once. Pure. */
import type { CniActionResult } from '../../contract/cni-plugin.ts';
import type { CniPlan } from '../../mesh/cni/cni-plan.ts';
import type { NoAnswer, NodeAnswer } from './ask-nodes.ts';

/** One file before and after. Absent: it is not there then. */
export interface FileChange {
  path: string;
  before?: string;
  after?: string;
}

/** Nodes on which the very same would happen. */
export interface PlanGroup {
  nodes: string[];
  result: CniActionResult;
  changes: FileChange[];
}

export interface NodePlans {
  /** In the order of their first nodes: those that change something, those that refuse, those with nothing to do. */
  groups: PlanGroup[];
  silent: NoAnswer[];
}

/** Sorts the nodes' answers. */
export function groupPlans(answers: readonly NodeAnswer<'cni'>[]): NodePlans {
  const groups = new Map<string, PlanGroup>();
  for (const answer of answers) {
    if (!answer.ok) continue;
    const { node, result } = answer;
    const key = printed(result);
    const known = groups.get(key);
    if (known) known.nodes.push(node);
    else groups.set(key, { nodes: [node], result, changes: changesOf(result) });
  }
  const inOrder = [...groups.values()].sort((a, b) => rank(a.result) - rank(b.result));
  return { groups: inOrder, silent: answers.filter((answer) => !answer.ok) };
}

function rank({ plan, exit }: CniActionResult): number {
  return isRefused({ plan, exit }) ? 1 : isIdle(plan) ? 2 : 0;
}

/** What makes two nodes' plans the same: directories, words and bytes. */
function printed({ plan, exit, confDir, binDir, before }: CniActionResult): string {
  return JSON.stringify([exit, confDir, binDir, plan, Object.entries(before).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** The files that a plan writes or removes, in the order of their names. */
export function changesOf({
  plan,
  confDir,
  before,
}: Pick<CniActionResult, 'plan' | 'confDir' | 'before'>): FileChange[] {
  const names = new Set([...plan.writes.map(({ name }) => name), ...plan.removes]);
  return [...names].sort().map((name) => {
    const after = plan.removes.includes(name)
      ? undefined
      : plan.writes.findLast((write) => write.name === name)?.content;
    return {
      path: `${confDir.replace(/\/+$/, '')}/${name}`,
      ...(before[name] !== undefined && { before: before[name] }),
      ...(after !== undefined && { after }),
    };
  });
}

export function isRefused({ plan, exit }: Pick<CniActionResult, 'plan' | 'exit'>): boolean {
  return plan.action === 'refuse' || exit === 2;
}

/** Nothing would be written. */
export function isIdle({ writes, removes }: CniPlan): boolean {
  return writes.length === 0 && removes.length === 0;
}

/** Whether two plans come to the same bytes in the same places. */
export function sameChange(a: CniActionResult, b: CniActionResult): boolean {
  const core = ({ plan, confDir }: CniActionResult) =>
    JSON.stringify([confDir, plan.writes.map(({ name, content }) => [name, content]), plan.removes]);
  return core(a) === core(b);
}

/** Which nodes can go on, which cannot and why. */
export function sortNodes(plans: NodePlans): {
  willing: string[];
  idle: string[];
  refusing: { node: string; why: string }[];
} {
  const willing: string[] = [];
  const idle: string[] = [];
  const refusing = plans.silent.map(({ node, why }) => ({ node, why }));
  for (const { nodes, result } of plans.groups) {
    if (isRefused(result)) refusing.push(...nodes.map((node) => ({ node, why: whyRefused(result) })));
    else (isIdle(result.plan) ? idle : willing).push(...nodes);
  }
  return { willing: willing.sort(), idle: idle.sort(), refusing: refusing.sort((a, b) => (a.node < b.node ? -1 : 1)) };
}

/** The errors of a plan in one line; its warnings when it has no error. */
export function whyRefused({ plan }: Pick<CniActionResult, 'plan'>): string {
  const errors = plan.problems.filter(({ severity }) => severity === 'error');
  return (errors.length > 0 ? errors : plan.problems).map(({ message }) => message).join(' ');
}

/** By node: what was shown, and is agreed to. */
export function agreedPlans(answers: readonly NodeAnswer<'cni'>[]): Map<string, CniActionResult> {
  return new Map(answers.flatMap((answer) => (answer.ok ? [[answer.node, answer.result] as const] : [])));
}
