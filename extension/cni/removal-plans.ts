/** What taking the plugin out would change on each node, and whether that is still what was shown. Pure. */
import type { CniActionResult } from '../../contract/cni-plugin.ts';
import type { NoAnswer, NodeAnswer } from './ask-nodes.ts';
import { agreedPlans, groupPlans, sameChange, sortNodes, type NodePlans } from './node-plans.ts';

export interface RemovalPlans {
  plans: NodePlans;
  /** By node. A helper that cannot plan a removal has none: what it does is seen only afterwards. */
  agreed: Map<string, CniActionResult>;
}

/** @param silent nodes that gave no answer before: they are shown as such. */
export function removalPlans(answers: readonly NodeAnswer<'cni'>[], silent: readonly NoAnswer[]): RemovalPlans {
  // An older helper plans an installation, whatever it is asked for.
  const planned = answers.filter((answer) => !answer.ok || answer.result.plannedFor === 'uninstall');
  return { plans: groupPlans([...planned, ...silent]), agreed: agreedPlans(planned) };
}

/** A helper in observe mode does not see the originals: with them, a removal may come to other bytes. */
export function isSameRemoval(a: RemovalPlans, b: RemovalPlans): boolean {
  const nodes = new Set([...a.agreed.keys(), ...b.agreed.keys()]);
  return [...nodes].every((node) => {
    const [before, after] = [a.agreed.get(node), b.agreed.get(node)];
    return before && after ? before.exit === after.exit && sameChange(before, after) : before === after;
  });
}

/** Those that were reached, without those that refuse; and these, each with the reason. */
export function sortForRemoval(
  reached: readonly string[],
  { plans }: RemovalPlans,
): { able: string[]; refusing: { node: string; why: string }[] } {
  const refusing = sortNodes(plans).refusing.filter(({ node }) => reached.includes(node));
  return { able: reached.filter((node) => !refusing.some((one) => one.node === node)), refusing };
}
