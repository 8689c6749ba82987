/** Whether a pod gets rules, and the rules into its netns: for a pod that starts, and for one that had been missed. */
import { pluginType, type AgentSettings, type PodRecord } from '../../contract/cni-plugin.ts';
import { decideCniProgramming } from '../../mesh/cni/decide-cni-programming.ts';
import type { Container, Pod } from '../../mesh/kubernetes.ts';
import type { Step } from '../../mesh/step.ts';
import { attempt } from '../failure.ts';
import { readAddresses } from './netns-view.ts';
import { programNetns, type ProgramMeans } from './program-netns.ts';
import type { NetnsTarget } from './toolbox.ts';
import type { KnownPod } from './types.ts';
import { type WantedRules, wantedRules } from './wanted-rules.ts';

export interface PodDecision {
  programs: boolean;
  /** The last one decided. */
  steps: Step[];
}

/** Istio's own conditions in Istio's order, and that there is something besides the proxy. */
export function decidePod({ pod, namespace }: KnownPod, settings: AgentSettings): PodDecision {
  const decision = decideCniProgramming(pod, {
    plugin: pluginType,
    excludeNamespaces: settings.excludeNamespaces,
    ...(namespace && { namespace }),
  });
  if (!decision.programs) return decision;
  const refused = refusedPort({ pod, ...(namespace && { namespace }) });
  if (refused) return { programs: false, steps: [refused] };
  const lasting = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? []).filter(isNativeSidecar)];
  if (lasting.length > 1) return { programs: true, steps: [] };
  const says = `istio-proxy is the only container of ${nameOf(pod)}: there is nobody whose traffic it could take.`;
  return { programs: false, steps: [{ check: 'containers', value: '1', verdict: 'skip', says }] };
}

/**
 * Istio's own validators let pass what iptables takes for no port: `080`, and `*` where every port cannot be meant. All
 * rules of such a pod would be refused with that one, at every try.
 */
function refusedPort(known: KnownPod): Step | undefined {
  const written = Object.entries(known.pod.metadata?.annotations ?? {});
  if (!written.some(([key, value]) => /Ports$/.test(key) && /\*|(^|,)\s*0\d/.test(value))) return undefined;
  const { v4 } = wantedRules(known);
  for (const { text, cause } of v4.rules) {
    const port = /--dport (\S+)/.exec(text)?.[1];
    if (port === undefined || /^(?:0|[1-9]\d*)$/.test(port)) continue;
    const says = `${nameOf(known.pod)} starts without its rules: iptables takes “${port}” for no port (${cause}). Correct it in the workload's template; its pods then start anew.`;
    return { check: 'annotation-value', value: port, verdict: 'reject', says };
  }
  return undefined;
}

function isNativeSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === 'Always';
}

function nameOf({ metadata }: Pod): string {
  return metadata?.name ?? 'the pod';
}

export type PodVerdict = Pick<PodRecord, 'outcome' | 'steps' | 'problems' | 'backend' | 'families'>;

export interface PodMeans extends ProgramMeans {
  settings: AgentSettings;
}

/**
 * From a pod to rules in its netns. Never throws; what is there already and does the same stays as it is.
 * @param addresses the pod's, where they are known from elsewhere; else they are looked up in the netns.
 */
export async function programPod(
  means: PodMeans,
  known: KnownPod,
  target: NetnsTarget,
  addresses: readonly string[] = [],
): Promise<PodVerdict> {
  const decision = decidePod(known, means.settings);
  if (!decision.programs) return { outcome: outcomeOf(decision), steps: decision.steps, problems: [] };
  try {
    const wanted = await findRules(means, known, target, addresses);
    if (wanted.v4.mode !== 'sidecar-redirect' && wanted.v4.mode !== 'sidecar-tproxy') {
      const says = wanted.v4.whyNone ?? `${nameOf(known.pod)} is not redirected to a sidecar.`;
      return { outcome: 'declined', steps: [{ check: 'interception', verdict: 'skip', says }], problems: [] };
    }
    const programmed = await programInOwnUsers(means, known.pod, target, wanted);
    const steps = [takenStep(known.pod, wanted)];
    if (!programmed.done) return { outcome: 'missed', steps, problems: programmed.problems };
    const { backend, families } = programmed;
    return { outcome: 'programmed', steps, backend, families, problems: [] };
  } catch (error) {
    return { outcome: 'missed', steps: [], problems: [error instanceof Error ? error.message : String(error)] };
  }
}

/** A pod that runs already tells its user namespace by its process; for one that starts the launcher does. */
async function programInOwnUsers(means: PodMeans, pod: Pod, target: NetnsTarget, wanted: WantedRules) {
  const { host } = means;
  const isTold = target.userns !== undefined || target.pid === undefined || pod.spec?.hostUsers !== false;
  const userns = isTold ? undefined : attempt(() => host.open(`${host.proc}/${target.pid}/ns/user`));
  const own = attempt(() => host.factsBehind('/proc/self/ns/user').inode);
  try {
    const isOther = userns !== undefined && userns.inode !== own;
    return await programNetns(means, isOther ? { ...target, userns } : target, wanted);
  } finally {
    userns?.close();
  }
}

/** A pod that nobody can help: it misses its rules until its template is corrected. Deleting it would only bring it back. */
export function isBeyondRepair({ steps }: Pick<PodRecord, 'steps'>): boolean {
  return steps.at(-1)?.verdict === 'reject';
}

function outcomeOf({ steps }: PodDecision): 'declined' | 'missed' {
  return isBeyondRepair({ steps }) ? 'missed' : 'declined';
}

function takenStep(pod: Pod, { v4: { mode, settings }, families }: WantedRules): Step {
  const ports = settings && mode === 'sidecar-tproxy' ? `TPROXY, ${settings.inboundPort}` : settings?.inboundPort;
  const both = families.map((family) => `IPv${family}`).join(' and ');
  const says = `The ${both} traffic of ${nameOf(pod)} is taken to its istio-proxy: what goes out to port ${settings?.outboundPort}, what comes in to port ${ports}.`;
  return { check: 'cni-plugin', verdict: 'inject', says };
}

/**
 * The rules that a pod shall have in this netns.
 * @param addresses those that the plugins before us have just given it. What the API tells may be of an earlier sandbox.
 */
export async function findRules(
  { host }: Pick<PodMeans, 'host'>,
  { pod, ...rest }: KnownPod,
  target: NetnsTarget,
  addresses: readonly string[],
): Promise<WantedRules> {
  const podIPs = addresses.map((ip) => ({ ip }));
  if (podIPs[0])
    return wantedRules({ ...rest, pod: { ...pod, status: { ...pod.status, podIP: podIPs[0].ip, podIPs } } });
  const isTold = pod.status?.podIP !== undefined || (pod.status?.podIPs ?? []).length > 0;
  return wantedRules({ ...rest, pod }, isTold ? [] : await readAddresses(host, target));
}
