import { compareAge } from '../by-age.ts';
import type { Labels } from '../kubernetes.ts';
import { matchesLabels } from '../selectors.ts';

/** A PeerAuthentication, as far as it decides: read from a cluster's object or from a file. */
export interface PeerPolicy {
  namespace: string;
  name: string;
  /** `creationTimestamp`; absent for one that is only written yet. */
  created?: string;
  /** `matchLabels`; absent or empty: it is for its whole namespace (or mesh). */
  labels?: Labels;
  /** `mtls.mode` as written. */
  mode?: string;
  /** `portLevelMtls`: container port → mode as written. */
  portModes?: Readonly<Record<string, string | undefined>>;
}

export type MtlsMode = 'STRICT' | 'PERMISSIVE' | 'DISABLE';

/** At which level a mode was said; `default`: nowhere. */
export type PolicyLevel = 'port' | 'workload' | 'namespace' | 'mesh' | 'default';

/** The policies that speak for a workload: at most one per level, and those that would and do not. */
export interface ChosenPolicies<Policy extends PeerPolicy = PeerPolicy> {
  workload?: Policy;
  namespace?: Policy;
  mesh?: Policy;
  /** Of the same level as a chosen one, and younger: ignored. */
  overruled: { policy: Policy; by: Policy }[];
}

export interface ChosenMode<Policy extends PeerPolicy = PeerPolicy> {
  mode: MtlsMode;
  level: PolicyLevel;
  /** Who said it; absent for the default. */
  policy?: Policy;
}

/**
 * Which PeerAuthentications speak for the pods with these labels, as Istio composes them: per level one, the oldest. A
 * selector in the root namespace selects nothing: there Istio takes only what is for the whole mesh.
 */
export function choosePolicies<Policy extends PeerPolicy>(
  policies: Iterable<Policy>,
  pod: { namespace: string; labels: Labels | undefined },
  rootNamespace: string,
): ChosenPolicies<Policy> {
  const chosen: ChosenPolicies<Policy> = { overruled: [] };
  const candidates = [...policies];
  for (const level of ['workload', 'namespace', 'mesh'] as const) {
    const here = candidates.filter((policy) => levelFor(policy, pod, rootNamespace) === level);
    const [first, ...others] = here;
    if (!first) continue;
    const oldest = others.reduce((best, policy) => (compareAge(policy, best) < 0 ? policy : best), first);
    chosen[level] = oldest;
    for (const policy of here) if (policy !== oldest) chosen.overruled.push({ policy, by: oldest });
  }
  return chosen;
}

/** The mode on a container port; without a port that of the workload. UNSET leaves it to the level above. */
export function modeOn<Policy extends PeerPolicy>(
  { workload, namespace, mesh }: Omit<ChosenPolicies<Policy>, 'overruled'>,
  port?: number,
): ChosenMode<Policy> {
  const onPort = port === undefined ? undefined : saidMode(workload?.portModes?.[String(port)]);
  if (workload && onPort) return { mode: onPort, level: 'port', policy: workload };
  for (const [level, policy] of [
    ['workload', workload],
    ['namespace', namespace],
    ['mesh', mesh],
  ] as const) {
    const mode = saidMode(policy?.mode);
    if (policy && mode) return { mode, level, policy };
  }
  return { mode: 'PERMISSIVE', level: 'default' };
}

/** A mode that says something: UNSET, nothing and what nobody knows leave it to the level above. */
export function saidMode(written: string | undefined): MtlsMode | undefined {
  return written === 'STRICT' || written === 'PERMISSIVE' || written === 'DISABLE' ? written : undefined;
}

/** Without a selector, or with an empty one. */
export function isForAllPods({ labels }: PeerPolicy): boolean {
  return Object.keys(labels ?? {}).length === 0;
}

function levelFor(
  policy: PeerPolicy,
  pod: { namespace: string; labels: Labels | undefined },
  rootNamespace: string,
): 'workload' | 'namespace' | 'mesh' | undefined {
  if (isForAllPods(policy)) {
    if (policy.namespace === rootNamespace) return 'mesh';
    return policy.namespace === pod.namespace ? 'namespace' : undefined;
  }
  if (policy.namespace === rootNamespace || policy.namespace !== pod.namespace) return undefined;
  return matchesLabels(policy.labels, pod.labels) ? 'workload' : undefined;
}
