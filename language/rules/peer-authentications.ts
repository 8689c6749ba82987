import { matchesLabels } from '../../mesh/selectors.ts';
import { lookUp } from '../lookup.ts';
import type { Lookup } from '../lookup.ts';
import type { Located } from '../located.ts';
import type { PodSource, Resource } from '../resource.ts';
import type { RuleContext } from '../rule.ts';
import { labelsOf, selectorLabels } from './pods.ts';

const byNamespace = ({ namespace }: Resource) => [namespace];

/** What a server demands of who calls it. */
export interface Demand {
  mode: string;
  /** The policy that decides; undefined for Istio's default. */
  policy: Resource | undefined;
  at: Located | undefined;
}

/** PeerAuthentications as they apply: the workload's, else the namespace's, else the mesh's. */
export class PeerAuthentications {
  private readonly policies: Lookup<Resource>;
  private readonly rootNamespace: string;

  constructor(policies: readonly Resource[], context: RuleContext) {
    this.policies = lookUp(policies, byNamespace, context);
    this.rootNamespace = context.rootNamespace;
  }

  /** The mode on a port of a pod. Of several policies at one level the first of the files counts as the oldest. */
  demandOn(pod: PodSource, port: number | undefined): Demand {
    const own = this.policies
      .get(pod.namespace)
      .find((policy) => policy.namespace !== this.rootNamespace && selects(policy, pod));
    const ofPort = own?.spec.at('portLevelMtls', String(port), 'mode');
    if (ofPort && isSaid(ofPort)) return { mode: ofPort.string!, policy: own, at: ofPort };
    return said(own) ?? this.demandIn(pod.namespace);
  }

  /** The mode in a namespace, for pods without a policy of their own. */
  demandIn(namespace: string): Demand {
    return (
      said(this.policies.get(namespace).find(isForAll)) ??
      said(this.policies.get(this.rootNamespace).find(isForAll)) ?? {
        mode: 'PERMISSIVE',
        policy: undefined,
        at: undefined,
      }
    );
  }
}

function selects({ spec }: Resource, pod: PodSource): boolean {
  const labels = selectorLabels(spec.at('selector', 'matchLabels'));
  return labels !== undefined && matchesLabels(labels, labelsOf(pod));
}

/** Without selector, or with an empty one. */
export function isForAll({ spec }: Resource): boolean {
  return selectorLabels(spec.at('selector', 'matchLabels')) === undefined;
}

function said(policy: Resource | undefined): Demand | undefined {
  const at = policy?.spec.at('mtls', 'mode');
  return at && isSaid(at) ? { mode: at.string!, policy, at } : undefined;
}

/** UNSET leaves it to the level above. */
function isSaid({ string }: Located): boolean {
  return string !== undefined && string !== 'UNSET';
}
