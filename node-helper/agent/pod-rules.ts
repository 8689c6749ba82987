/** What the plugin knows of rules, put to use on a pod that runs already: nobody waits for it, so it is looked at closely. */
import type { InspectPodResult } from '../../contract/node-helper.ts';
import { findDrift } from '../../mesh/interception/find-drift.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import type { Ruleset } from '../../mesh/interception/ruleset.ts';
import { Failure } from '../failure.ts';
import { findNamedNetns, findPodNetns, type FoundNetns, type Surroundings } from '../find-pod.ts';
import type { Host } from '../host.ts';
import { inspectNetns } from '../inspect-pod.ts';
import { decidePod, programPod } from '../plugin/program-pod.ts';
import { hasIstio } from '../plugin/rule-text.ts';
import type { KnownPod, PluginWorld } from '../plugin/types.ts';
import { wantedRules } from '../plugin/wanted-rules.ts';
import { findHostPlace, findPodPlaces, ownPlace } from '../tools.ts';
import { netnsPaths, type RuleKeeper, type RulesFound } from './repair-missed.ts';

export function ruleKeeper(world: PluginWorld): RuleKeeper {
  const { host } = world;
  return {
    decide: (known) => decidePod(known, world.settings),
    async look(known, netns) {
      // Who inspects lets go of what was inspected, and it is needed afterwards.
      const again = { ...netns, file: host.open(`/proc/self/fd/${netns.file.fd}`) };
      return compare(known, await inspectNetns(host, again));
    },
    async program(known, netns) {
      const hostPlace = findHostPlace(host, netns.hostProcesses);
      const podPlaces = findPodPlaces(host, netns.podPids);
      const places = [ownPlace(), ...(hostPlace ? [hostPlace] : []), ...podPlaces];
      try {
        return await programPod(world, known, {
          netns: netns.file,
          places,
          ...(netns.pid !== 0 && { pid: netns.pid }),
        });
      } finally {
        for (const place of places) for (const file of place.files) file.close();
      }
    },
  };
}

/** What is there against what should be. Exported for tests. */
export function compare(known: KnownPod, { readings, interfaces, policyRules }: InspectPodResult): RulesFound {
  if (readings.some(({ backend, text }) => backend === 'native-nft' && /^table \w+ istio-/m.test(text))) return 'other';
  const there = readings
    .filter(({ backend }) => backend !== 'native-nft')
    .map(({ family, text }) => ({ family, rules: parseRules(text) }))
    .filter(({ rules }) => hasIstio(rules));
  if (there.length === 0) return 'none';
  const addresses = interfaces
    .filter(({ name }) => name !== 'lo')
    .flatMap((each) => each.addresses.map((address) => address.replace(/\/.*$/, '')));
  const wanted = wantedRules(known, addresses);
  const found = (['4', '6'] as const).map((family) => {
    const expected = family === '4' ? wanted.v4 : wanted.v6;
    const [actual, ...more] = there.filter((each) => each.family === family).map(({ rules }) => rules);
    if (more.length > 0) return 'other';
    if (!actual) return expected.rules.length === 0 ? 'same' : 'part';
    const { status, differences } = findDrift(expected, actual satisfies Ruleset);
    if (status === 'same') return 'same';
    return status === 'drift' && differences.every(({ kind }) => kind === 'missing') ? 'part' : 'other';
  });
  if (found.includes('other')) return 'other';
  const isRouted = wanted.mark === undefined || policyRules.some((rule) => /fwmark .*lookup 133/.test(rule));
  return found.includes('part') || !isRouted ? 'part' : 'same';
}

/**
 * The netns of a pod that runs, or of a sandbox whose first process is still to come: the runtime has named that one's path.
 * @throws {Failure} where there is none.
 */
export function findSandboxNetns(
  host: Host,
  { known: { pod }, netns }: { known: KnownPod; netns: string },
  around: Surroundings,
): FoundNetns {
  const { uid = '', namespace = '', name = '' } = pod.metadata ?? {};
  const containerIds = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].flatMap(
    ({ containerID }) => containerID ?? [],
  );
  const ips = [pod.status?.podIP, ...(pod.status?.podIPs ?? []).map(({ ip }) => ip)].filter((ip) => ip !== undefined);
  try {
    return findPodNetns(host, { uid, namespace, name, containerIds, ips: [...new Set(ips)] }, around);
  } catch (error) {
    if (!(error instanceof Failure) || error.answer.code !== 'pod-not-found') throw error;
    for (const path of netnsPaths(host, netns, around.hostProcesses)) {
      try {
        const found = findNamedNetns(host, path);
        if (!around.hostNetns.has(found.name)) return found;
        found.file.close();
      } catch {
        // Through another process it may be seen.
      }
    }
    throw error;
  }
}
