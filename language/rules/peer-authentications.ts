import { choosePolicies, modeOn } from '../../mesh/security/choose-policies.ts';
import type { PeerPolicy } from '../../mesh/security/choose-policies.ts';
import type { Labels } from '../../mesh/kubernetes.ts';
import { lookUp } from '../lookup.ts';
import type { Lookup } from '../lookup.ts';
import type { Located } from '../located.ts';
import { rememberPerResource } from '../remember.ts';
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

interface WrittenPolicy extends PeerPolicy {
  resource: Resource;
}

/** PeerAuthentications as they apply: the workload's, else the namespace's, else the mesh's. */
export class PeerAuthentications {
  private readonly policies: Lookup<Resource>;
  private readonly rootNamespace: string;
  private readonly clusterDomain: string;

  constructor(policies: readonly Resource[], context: RuleContext) {
    this.policies = lookUp(policies, byNamespace, context);
    this.rootNamespace = context.rootNamespace;
    this.clusterDomain = context.clusterDomain;
  }

  /** The mode on a port of a pod. Of several policies at one level the oldest; among files, the first counts as that. */
  demandOn(pod: PodSource, port: number | undefined): Demand {
    return this.demand(pod.namespace, labelsOf(pod), port);
  }

  /** The mode in a namespace, for pods without a policy of their own. */
  demandIn(namespace: string): Demand {
    return this.demand(namespace, undefined, undefined);
  }

  private demand(namespace: string, labels: Labels | undefined, port: number | undefined): Demand {
    const near = this.policies.get(namespace);
    const all = namespace === this.rootNamespace ? near : [...near, ...this.policies.get(this.rootNamespace)];
    const chosen = choosePolicies(
      all.map((resource) => written(resource, this.clusterDomain)),
      { namespace, labels },
      this.rootNamespace,
    );
    const { mode, level, policy } = modeOn(chosen, port);
    if (!policy) return { mode, policy: undefined, at: undefined };
    const { spec } = policy.resource;
    const at = level === 'port' ? spec.at('portLevelMtls', String(port), 'mode') : spec.at('mtls', 'mode');
    return { mode, policy: policy.resource, at };
  }
}

const written = rememberPerResource((resource): WrittenPolicy => {
  const { spec, metadata, namespace, name } = resource;
  const created = metadata.at('creationTimestamp').string;
  const labels = selectorLabels(spec.at('selector', 'matchLabels'));
  const mode = spec.at('mtls', 'mode').string;
  const ports = spec.at('portLevelMtls').entries;
  return {
    resource,
    namespace,
    name,
    ...(created !== undefined && { created }),
    ...(labels && { labels }),
    ...(mode !== undefined && { mode }),
    ...(ports.length > 0 && {
      portModes: Object.fromEntries(ports.map(({ key, value }) => [String(key.value), value.at('mode').string])),
    }),
  };
});

/** Without selector, or with an empty one. */
export function isForAll({ spec }: Resource): boolean {
  return selectorLabels(spec.at('selector', 'matchLabels')) === undefined;
}
