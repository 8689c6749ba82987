/**
 * The `cni` and `read-agent` requests, answered from a recording: plans are computed by what computes them on a node, and
 * what is carried out changes the demo's node in memory. Messages are English, as the real helper's are.
 */
import { createHash } from 'node:crypto';
import {
  defaultAgentSettings,
  pluginEntry,
  pluginType,
  type AgentSettings,
  type CniActionRequest,
  type CniActionResult,
  type PlannedAction,
  type PodRecord,
  type ReadAgentResult,
} from '../../contract/cni-plugin.ts';
import type { CniPluginProbe } from '../../contract/node-helper.ts';
import { applySteps, emptyPlan, loadable, refuse, type CniPlan } from '../../mesh/cni/cni-plan.ts';
import { publishedCniVersions } from '../../mesh/cni/cni-versions.ts';
import { decideCniProgramming } from '../../mesh/cni/decide-cni-programming.ts';
import { parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import { planInstallation, type TouchedFile } from '../../mesh/cni/plan-installation.ts';
import { planRemoval } from '../../mesh/cni/plan-removal.ts';
import { listTypesToAsk, planRepair } from '../../mesh/cni/plan-repair.ts';
import { planStandalone } from '../../mesh/cni/plan-standalone.ts';
import type { Container, Pod } from '../../mesh/kubernetes.ts';
import type { ApiObject } from './api-object.ts';
import type { ApiState } from './api-writes.ts';
import { writeConfiguration } from './node-network.ts';
import type { RecordedNode } from './recording.ts';

/** What installations did to the node of a running demo cluster. */
const journals = new WeakMap<RecordedNode, TouchedFile[]>();

/** Plans, and carries out what is asked for if the helper's mode lets it write. */
export function answerCni(node: RecordedNode, helper: ApiObject, request: CniActionRequest): CniActionResult {
  const { action, confDir = node.confDir } = request;
  const planFor = action === 'plan' ? (request.planFor ?? 'install') : action;
  const before = Object.fromEntries(
    node.files.flatMap(({ name, content }) => (content === undefined ? [] : [[name, content] as const])),
  );
  const answer = (plan: CniPlan): CniActionResult => {
    const touched = [...plan.writes.map(({ name }) => name), ...plan.removes];
    return {
      exit: plan.action === 'refuse' ? 2 : 0,
      plan,
      plannedFor: planFor,
      confDir,
      binDir: request.binDir ?? node.binDirs[0] ?? '/opt/cni/bin',
      before: Object.fromEntries(Object.entries(before).filter(([name]) => touched.includes(name))),
    };
  };
  const refused = (code: string, message: string) =>
    answer(refuse(emptyPlan(node.files, []), { severity: 'error', code, message }));
  if (confDir !== node.confDir)
    return refused('recording', `The recording holds ${node.confDir} only, not ${confDir}.`);
  const plan = planOf(node, planFor, request);
  if (action === 'plan' || plan.action === 'refuse') return answer(plan);
  if (!isIntercepting(helper))
    return refused('EROFS', `${node.confDir} is mounted read-only: the helper is in observe mode.`);
  const result = answer(plan);
  carryOut(node, planFor, plan);
  return result;
}

function planOf(node: RecordedNode, planFor: PlannedAction, request: CniActionRequest): CniPlan {
  const entries = node.files;
  const probes = listTypesToAsk(entries).map((type) => probe(node, type));
  const touched = journals.get(node) ?? [];
  switch (planFor) {
    case 'install': {
      const input = {
        entries,
        probes,
        ours: ourPlugin(node),
        entryText: request.entry ?? JSON.stringify(pluginEntry),
        touched,
      };
      return request.mode === 'standalone' ? planStandalone(input) : planInstallation(input);
    }
    case 'repair':
      return planRepair({ entries, probes });
    case 'uninstall':
      return planRemoval({ entries, touched, type: pluginType });
  }
}

function probe({ plugins, binDirs }: RecordedNode, type: string): CniPluginProbe {
  const recorded = plugins.find((plugin) => plugin.type === type);
  return recorded ?? { type, error: `There is no program ${type} in ${binDirs.join(', ')}.` };
}

function ourPlugin({ binDirs }: RecordedNode): CniPluginProbe {
  const path = `${binDirs[0] ?? '/opt/cni/bin'}/${pluginType}`;
  return { type: pluginType, path, supportedVersions: [...publishedCniVersions] };
}

function carryOut(node: RecordedNode, action: PlannedAction, plan: CniPlan): void {
  const others = node.plugins.filter(({ type }) => type !== pluginType);
  if (action === 'install') {
    journals.set(node, journalAfter(node, plan));
    node.plugins = [...others, ourPlugin(node)];
  }
  const files = applySteps(node.files, plan).map(({ name, content = '' }) => ({ name, content }));
  if (action === 'uninstall') {
    journals.delete(node);
    node.plugins = others;
  }
  const isChange = plan.writes.length + plan.removes.length > 0;
  if (isChange)
    writeConfiguration(
      node,
      files.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))),
    );
}

/** The first original counts: installing again does not make our own file one. */
function journalAfter(node: RecordedNode, plan: CniPlan): TouchedFile[] {
  const journal = new Map((journals.get(node) ?? []).map((file) => [file.name, file]));
  const original = (name: string) =>
    journal.get(name)?.original ?? node.files.find((file) => file.name === name)?.content ?? null;
  for (const { name, content } of plan.writes) journal.set(name, { name, original: original(name), wrote: content });
  for (const name of plan.removes)
    journal.set(name, { name, original: original(name), wrote: null, ...(plan.result && { follows: plan.result }) });
  return [...journal.values()];
}

function isIntercepting(helper: ApiObject): boolean {
  return agentArguments(helper) !== undefined;
}

/** What stands behind `agent` in the command of the helper's pod; undefined: no agent runs there. */
function agentArguments({ spec }: ApiObject): string[] | undefined {
  const [container] = (spec as { containers?: Container[] } | undefined)?.containers ?? [];
  const command = container?.command ?? [];
  const at = command.indexOf('agent');
  return at < 0 ? undefined : command.slice(at + 1);
}

/** What an agent there would tell. No rule was written by one in a recording, and the notes say so. */
export function answerReadAgent(state: ApiState, node: RecordedNode, helper: ApiObject): ReadAgentResult {
  if (node.agent) return node.agent;
  const given = agentArguments(helper);
  if (!given)
    return { running: false, records: [], notes: ['The helper is in observe mode: no agent runs on this node.'] };
  const settings = settingsOf(given);
  const since = helper.metadata.creationTimestamp ?? new Date().toISOString();
  const status = {
    pid: 1,
    since,
    aliveAt: new Date().toISOString(),
    version: helper.metadata.labels?.['app.kubernetes.io/version'] ?? '0.0.0',
    settings,
    api: { connected: true },
  };
  if (!isInstalled(node))
    return {
      status,
      running: true,
      records: [],
      notes: ['The plugin is not in this node’s chain: nobody calls the agent.'],
    };
  const pods = state.store.list(state.resources.findByKind('v1', 'Pod')!) as (Pod & ApiObject)[];
  const here = pods.filter(
    ({ spec, status: { phase } = {} }) =>
      spec?.nodeName === helper.spec?.nodeName && !spec?.hostNetwork && phase === 'Running',
  );
  return {
    status,
    running: true,
    records: here.map((pod) => recordOf(pod, settings)),
    notes: [
      'From a recording: these pods did not start under Meshloom’s plugin. This is what its agent would decide about each of them.',
    ],
  };
}

function isInstalled({ files }: RecordedNode): boolean {
  const [first] = loadable(files);
  return first !== undefined && (parseCniFile(first).list?.plugins ?? []).some(({ type }) => type === pluginType);
}

function settingsOf(given: readonly string[]): AgentSettings {
  const value = (flag: string) => {
    const at = given.indexOf(flag);
    return at < 0 ? undefined : given[at + 1];
  };
  const backend = value('--backend');
  return {
    excludeNamespaces: (value('--exclude-namespaces') ?? defaultAgentSettings.excludeNamespaces.join())
      .split(',')
      .filter(Boolean),
    onMiss: value('--on-miss') === 'delete' ? 'delete' : 'repair',
    backend: backend === 'nft' || backend === 'legacy' ? backend : 'auto',
  };
}

function recordOf(pod: Pod & ApiObject, { excludeNamespaces }: AgentSettings): PodRecord {
  const { programs, steps } = decideCniProgramming(pod, { plugin: pluginType, excludeNamespaces });
  const { namespace = '', name, uid = '', creationTimestamp: at = '' } = pod.metadata;
  return {
    containerId: createHash('sha256').update(uid).digest('hex'),
    namespace,
    name,
    uid,
    outcome: programs ? 'programmed' : steps.at(-1)?.verdict === 'reject' ? 'missed' : 'declined',
    steps,
    knownFrom: 'api',
    ...(programs && { backend: 'nft', families: ['4'] }),
    problems: [],
    at,
  };
}
