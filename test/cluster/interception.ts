/** The node helper in intercept mode on a test's cluster: put there, and asked, by the product's own code. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  AgentSettings,
  CniActionRequest,
  CniActionResult,
  PodRecord,
  ReadAgentResult,
} from '../../contract/cni-plugin.ts';
import { defaultAgentSettings } from '../../contract/cni-plugin.ts';
import {
  nodeHelperProtocol,
  type NodeHelperReply,
  type NodeHelperVerb,
  type ResultOf,
} from '../../contract/node-helper.ts';
import { ask, inspectPod, readCni } from '../../extension/node-helper/client.ts';
import { deployNodeHelper } from '../../extension/node-helper/deploy.ts';
import { helperManifest, type Launchers } from '../../extension/node-helper/manifest.ts';
import { type CniChain, describeChain } from '../../mesh/cni/read-chain.ts';
import { expectedRules } from '../../mesh/interception/expected-rules.ts';
import { type Drift, findDrift } from '../../mesh/interception/find-drift.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { nodeImage } from './images.ts';
import { nodeName } from './node-files.ts';
import { eventually, type ConnectedCluster } from './support.ts';

const launcherDirectory = join(import.meta.dirname, '../../node-helper/launcher');

/** The plugin's programs as they are shipped. */
export function readLaunchers(): Launchers {
  return Object.fromEntries(
    ['x64', 'arm64'].flatMap((arch) => {
      const path = join(launcherDirectory, `meshloom-cni-${arch}`);
      return existsSync(path) ? [[arch, readFileSync(path)]] : [];
    }),
  );
}

export async function deployInterception(
  cluster: ConnectedCluster,
  program: Uint8Array,
  settings: Partial<AgentSettings> = {},
): Promise<void> {
  const manifest = helperManifest({
    ...{ image: nodeImage, version: '0.1.0', program, mode: 'intercept', launchers: readLaunchers() },
    settings: { ...defaultAgentSettings, ...settings },
  });
  await deployNodeHelper(cluster, manifest, { pollMs: 200 });
}

function resultOf<Verb extends NodeHelperVerb>({ reply }: { reply: NodeHelperReply<Verb> }): ResultOf[Verb] {
  if (!reply.ok) throw new Error(`${reply.error.code}: ${reply.error.message}`);
  return reply.result;
}

/** As the commands do it. */
export async function actOnCni(cluster: ConnectedCluster, request: CniActionRequest): Promise<CniActionResult> {
  return resultOf(await ask(cluster, nodeName, { protocol: nodeHelperProtocol, verb: 'cni', ...request }, undefined));
}

/** What the tree shows of the node. */
export async function readChain(cluster: ConnectedCluster): Promise<CniChain> {
  return describeChain(resultOf(await readCni(cluster, nodeName)));
}

export async function readRuntime(cluster: ConnectedCluster): Promise<ResultOf['read-cni']['runtimeCni']> {
  return resultOf(await readCni(cluster, nodeName)).runtimeCni;
}

export async function readAgent(cluster: ConnectedCluster): Promise<ReadAgentResult> {
  return resultOf(await ask(cluster, nodeName, { protocol: nodeHelperProtocol, verb: 'read-agent' }, undefined));
}

/** What the agent recorded of a pod that is there now. */
export async function recordOf(cluster: ConnectedCluster, pod: Pod): Promise<PodRecord | undefined> {
  return (await readAgent(cluster)).records.find(({ uid }) => uid === pod.metadata?.uid);
}

/** Waits for an outcome. */
export async function outcomeOf(
  cluster: ConnectedCluster,
  pod: Pod,
  outcome: PodRecord['outcome'],
  timeoutMs = 30_000,
): Promise<PodRecord> {
  let last: PodRecord | undefined;
  try {
    return await eventually(
      `pod ${pod.metadata?.name} being ${outcome}`,
      async () => ((last = await recordOf(cluster, pod))?.outcome === outcome ? last : undefined),
      timeoutMs,
    );
  } catch (cause) {
    throw new Error(`${(cause as Error).message}; the record is ${JSON.stringify(last)}`, { cause });
  }
}

export interface ComparedRules extends Drift {
  family: '4' | '6';
  /** Rules that are there. */
  count: number;
  /** The lines as they are, and as they should be: without comments, counters, chains that nobody wrote. */
  actual: string[];
  expected: string[];
}

/** A pod's rules, read on the node, against those that Istio would write for it. */
export async function compareRules(cluster: ConnectedCluster, pod: Pod): Promise<ComparedRules[]> {
  const { readings } = resultOf(await inspectPod(cluster, pod));
  return (['4', '6'] as const).map((family) => {
    const text = readings
      .filter((reading) => reading.family === family)
      .map((reading) => reading.text)
      .join('');
    const rules = parseRules(text === '' ? '*nat\nCOMMIT\n' : text);
    const wanted = expectedRules({ pod, mode: 'cni', family });
    const actual = rules.chains.flatMap((chain) => chain.rules.map((rule) => `${rule.table} ${rule.text}`));
    const expected = wanted.rules.map((rule) => `${rule.table} ${rule.text}`);
    return { family, count: actual.length, actual, expected, ...findDrift(wanted, rules) };
  });
}
