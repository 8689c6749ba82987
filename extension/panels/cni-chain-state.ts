/** What a node's helper, its agent and the Kubernetes API answered → what the chain view shows. Pure: no editor, no clock. */
import * as l10n from '@vscode/l10n';
import type {
  CalledPluginView,
  ChainFileView,
  ChainPluginView,
  CniChainState,
  DaemonSetView,
  FactView,
  HeldPodView,
  NoticeView,
  PluginChainView,
  ProblemView,
} from '../../contract/cni-chain-view.ts';
import { pluginType, type ReadAgentResult } from '../../contract/cni-plugin.ts';
import type { FailureView } from '../../contract/interception-view.ts';
import type { CniPluginProbe, ReadCniResult } from '../../contract/node-helper.ts';
import { compareCniVersions, publishedCniVersions } from '../../mesh/cni/cni-versions.ts';
import { describeCniHazard } from '../../mesh/cni/hazards.ts';
import { cniFileKind, parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import { describePluginRole } from '../../mesh/cni/plugin-roles.ts';
import type { ChainPlugin, ChainProblem, CniChain } from '../../mesh/cni/read-chain.ts';
import type { HangingPod, NetworkAgent, NodeState } from '../../mesh/pods/describe-node.ts';
import { adviseOnCniFailure, summarizeCniFailure } from '../../mesh/pods/parse-cni-failure.ts';
import { describeAgent } from '../trees/cni-chain/agent-words.ts';
import { describeCall, describeRuntimeSource, networkFacts } from '../trees/cni-chain/chain-words.ts';
import { agentView } from './cni-agent-view.ts';
import { planView, type ShownPlan } from './cni-plan-view.ts';

export interface ChainPlace {
  node: string;
  context: string;
}

/** What was learnt of a node; what is absent was not to be had, and `notices` say why. */
export interface ChainAnswers {
  /** From the API. */
  api?: NodeState;
  /** From the helper: the directory, and what it means. */
  read?: { result: ReadCniResult; chain: CniChain };
  agent?: ReadAgentResult;
  /** When and by whom it was read. */
  source?: string;
  notices?: NoticeView[];
  plan?: ShownPlan;
  /** How many errors the reading before had: to say that they are gone. */
  errorsBefore?: number;
}

/** A file's content is shown up to here, in characters. */
const shownContent = 20_000;

/** While reading again, what was read before stays on the screen. */
export function loadingChainState(place: ChainPlace, before?: CniChainState): CniChainState {
  if (before?.phase === 'ready') return { ...before, phase: 'loading' };
  return { ...place, ...nothing, phase: 'loading' };
}

export function failedChainState(place: ChainPlace, failure: FailureView): CniChainState {
  return { ...place, ...nothing, phase: 'failed', failure };
}

const nothing = { facts: [], notices: [], files: [], problems: [], network: [], pods: [], daemonSets: [] };

/** @returns the whole state; without the helper's reading, what the API alone tells, labelled so. */
export function chainState(place: ChainPlace, answers: ChainAnswers): CniChainState {
  const { api, read, agent, source, plan } = answers;
  const chained = read !== undefined && isChained(read.chain);
  return {
    ...place,
    phase: 'ready',
    knownFrom: read ? 'helper' : 'api',
    summary: summarize(answers),
    ...(source !== undefined && { source }),
    facts: factsOf(api, read?.result),
    notices: noticesOf(answers),
    files: read ? filesOf(read.result, read.chain) : [],
    ...(read?.chain.effective && { chain: chainView(read.chain, read.result) }),
    problems: [...(read?.chain.problems.map(problemView) ?? []), ...failuresOf(api, read?.chain)],
    network: networkFacts(read?.result.network),
    pods: [...(api?.hanging.map(heldPodView) ?? []), ...(api?.unprotected.map(heldPodView) ?? [])],
    daemonSets: api?.agents.map(daemonSetView) ?? [],
    ...(agent && { agent: agentView(agent, chained) }),
    ...(plan && { plan: planView(withoutKnown(plan, read?.chain.problems ?? [])) }),
  };
}

/** A plan tells again what was found; that stands on the page already, unless it is why the plan is refused. */
function withoutKnown(shown: ShownPlan, known: readonly ChainProblem[]): ShownPlan {
  const { plan } = shown;
  if (plan.action === 'refuse') return shown;
  const problems = plan.problems.filter(
    ({ code, message }) => !known.some((problem) => problem.code === code && message.startsWith(problem.message)),
  );
  return { ...shown, plan: { ...plan, problems } };
}

/** Whether our plugin stands in the chain that the runtime uses. */
function isChained({ plugins }: CniChain): boolean {
  return plugins.some(({ type }) => type === pluginType);
}

function summarize({ api, read, agent, errorsBefore = 0 }: ChainAnswers): NonNullable<CniChainState['summary']> {
  const hanging = api?.hanging.length ?? 0;
  const errors = read?.chain.problems.filter(({ severity }) => severity === 'error') ?? [];
  const [worst] = errors;
  if (worst) {
    const pods =
      hanging === 0
        ? l10n.t('No pod hangs on it yet: the next that starts or ends will.')
        : hanging === 1
          ? l10n.t('1 pod hangs on it.')
          : l10n.t('{0} pods hang on it.', hanging);
    const about = worst.plugin ?? worst.file;
    const { title } = describeCniHazard(worst.code);
    return { severity: 'error', says: `${about === undefined ? title : `${title}: ${about}`}. ${pods}` };
  }
  if (!read) {
    const [failure] = api?.failures ?? [];
    if (failure) return { severity: 'error', says: failure.says };
    if (api?.networkProblem) return { severity: 'error', says: api.networkProblem };
    return {
      severity: 'info',
      says: l10n.t('The API tells of no fault. Whether the node’s files are sound, only the node helper can tell.'),
    };
  }
  if (hanging > 0)
    return {
      severity: 'warning',
      says:
        errorsBefore > 0
          ? l10n.t(
              'Healed: the chain is sound now. {0} pods have not got over it yet; kubelet tries again within minutes.',
              hanging,
            )
          : l10n.t(
              'The chain looks sound, and yet {0} pods hang on the node’s network: their events say why.',
              hanging,
            ),
    };
  if (agent && isChained(read.chain)) {
    const { severity, says } = describeAgent(agent, true);
    if (severity === 'error') return { severity, says };
  }
  const unprotected = api?.unprotected.length ?? 0;
  if (unprotected > 0)
    return {
      severity: 'warning',
      says:
        unprotected === 1
          ? l10n.t('The chain is sound now, but 1 pod started without its rules and is held by istio-validation.')
          : l10n.t(
              'The chain is sound now, but {0} pods started without their rules and are held by istio-validation.',
              unprotected,
            ),
    };
  if (errorsBefore > 0)
    return { severity: 'good', says: l10n.t('Healed: the chain is sound now, and no pod hangs on it.') };
  const warnings = read.chain.problems.length;
  if (warnings > 0)
    return { severity: 'warning', says: l10n.t('Pods start and stop. Something deserves a look: see the problems.') };
  return {
    severity: 'good',
    says: l10n.t('The chain is sound: every plugin is there and speaks the version that it is asked for.'),
  };
}

function factsOf(api: NodeState | undefined, result: ReadCniResult | undefined): FactView[] {
  const runtime = result?.runtimeCni;
  const facts: FactView[] = [];
  if (api?.runtime) facts.push({ name: l10n.t('Runtime'), value: `${api.runtime.name} ${api.runtime.version}` });
  else if (runtime)
    facts.push({ name: l10n.t('Runtime'), value: [runtime.program, runtime.version].filter(Boolean).join(' ') });
  if (api?.kubelet) facts.push({ name: l10n.t('Kubelet'), value: api.kubelet });
  if (api?.system) facts.push({ name: l10n.t('System'), value: api.system });
  if (!result) return facts;
  const source = runtime && describeRuntimeSource(runtime);
  facts.push(
    { name: l10n.t('Configuration directory'), value: result.confDir, ...(source && { source }) },
    { name: l10n.t('Program directories'), value: result.binDirs.join(', '), ...(source && { source }) },
  );
  if (runtime?.lastLoad !== undefined)
    facts.push({
      name: l10n.t('Last loaded by the runtime'),
      value: runtime.lastLoad === '' ? l10n.t('without an error') : runtime.lastLoad,
    });
  if (runtime?.loaded && runtime.loaded.length > 0)
    facts.push({ name: l10n.t('What the runtime has loaded'), value: runtime.loaded.join(', ') });
  return facts;
}

function noticesOf({ api, read, notices = [] }: ChainAnswers): NoticeView[] {
  const all = [...notices];
  if (read) all.push(...read.result.notes.map((says): NoticeView => ({ severity: 'info', says })));
  const lastLoad = read?.result.runtimeCni?.lastLoad;
  if (lastLoad)
    all.push({
      severity: 'warning',
      says: l10n.t('The runtime could not load its configuration the last time it tried: {0}', lastLoad),
    });
  if (api && !api.ready)
    all.push({ severity: 'warning', says: api.networkProblem ?? l10n.t('The node is not ready.') });
  return all;
}

function filesOf({ files, confDir }: ReadCniResult, chain: CniChain): ChainFileView[] {
  const shadowed = new Set(chain.shadowed.map(({ name }) => name));
  const inForce = chain.effective?.name;
  const views = files.map((file): ChainFileView => {
    const { name, content = '' } = file;
    const shown = content.length > shownContent ? `${content.slice(0, shownContent)} …` : content;
    const view = { name, ...(shown && { content: shown }) };
    if (name === inForce)
      return { ...view, standing: 'in-force', says: l10n.t('The runtime uses this file for every pod.') };
    if (cniFileKind(name) === 'other')
      return {
        ...view,
        standing: 'ignored',
        says: l10n.t('No runtime reads it: its name ends in none of .conf, .conflist and .json.'),
      };
    const { list, problems } = parseCniFile(file);
    if (!list) return { ...view, standing: 'broken', says: problems.map(({ message }) => message).join(' ') };
    if (shadowed.has(name) && inForce !== undefined)
      return {
        ...view,
        standing: 'shadowed',
        says: l10n.t('Not used: {0} comes first in byte order of the names.', inForce),
      };
    return {
      ...view,
      standing: 'shadowed',
      says:
        inForce === undefined
          ? l10n.t('Not used: the runtime gives up on {0} before it comes to this file.', confDir)
          : l10n.t('Not used: the runtime steps over it.'),
    };
  });
  const rank = { 'in-force': 0, broken: 0, shadowed: 0, ignored: 1 } as const;
  return views.sort((a, b) => rank[a.standing] - rank[b.standing] || (a.name < b.name ? -1 : 1));
}

function chainView(chain: CniChain, result: ReadCniResult): PluginChainView {
  const spoken = chain.plugins.flatMap(({ supportedVersions = [] }) => supportedVersions);
  const asked = chain.cniVersion === undefined ? [] : [chain.cniVersion];
  const versions = [...new Set([...publishedCniVersions, ...asked, ...spoken])].sort(compareCniVersions);
  return {
    file: chain.effective!.name,
    ...(chain.name && { name: chain.name }),
    ...(chain.cniVersion !== undefined && { cniVersion: chain.cniVersion }),
    versions,
    plugins: chain.plugins.map((plugin) => pluginView(plugin, result)),
  };
}

function pluginView(plugin: ChainPlugin, { plugins: probes }: ReadCniResult): ChainPluginView {
  const { type, role, supportedVersions, path, problems, from } = plugin;
  const probe = probes.find((candidate) => candidate.type === type);
  const severity = problems.some((problem) => problem.severity === 'error')
    ? 'error'
    : problems.length > 0
      ? 'warning'
      : undefined;
  return {
    type,
    role: describePluginRole(role),
    kind: role,
    program: path ? 'there' : probe ? 'missing' : 'unknown',
    ...(path && { path }),
    ...(supportedVersions ? { versions: supportedVersions } : probe?.error && { whyUnknown: probe.error }),
    calls: calledBy(plugin, probes),
    ...(from !== undefined && { from }),
    ...(severity && { severity }),
  };
}

/** Address managers and delegates, down to the last; each with the versions that it speaks. */
function calledBy({ ipam, delegates, calls = [] }: ChainPlugin, probes: readonly CniPluginProbe[]): CalledPluginView[] {
  const program = (type: string, why: CalledPluginView['why'], network: string[] = []): CalledPluginView => {
    const probe = probes.find((candidate) => candidate.type === type);
    const speaks = probe?.supportedVersions && l10n.t('speaks {0}', probe.supportedVersions.join(', '));
    const says = [...network, speaks].filter(Boolean).join(' · ');
    return { type, why, ...(says && { says }), ...(probe && !probe.path && { missing: true }) };
  };
  const resolved = calls.flatMap((call): CalledPluginView[] => {
    if (call.plugins.length === 0)
      return [{ type: call.named, why: 'delegate', ...(call.unresolved !== undefined && { says: call.unresolved }) }];
    return call.plugins.flatMap((plugin) => [
      program(plugin.type, 'delegate', describeCall(call)),
      ...calledBy(plugin, probes),
    ]);
  });
  const known = new Set(resolved.map(({ type }) => type));
  return [
    ...(ipam ? [program(ipam, 'addresses')] : []),
    ...resolved,
    ...[...new Set(delegates)].filter((type) => !known.has(type)).map((type) => program(type, 'delegate')),
  ];
}

function problemView({ severity, code, message, whatToDo, plugin, file }: ChainProblem): ProblemView {
  const about = plugin ?? file;
  return {
    severity,
    code,
    title: describeCniHazard(code).title,
    says: message,
    whatToDo,
    ...(about !== undefined && { about }),
  };
}

/** What kubelet's events tell; where the reading names an error itself, the events say no more. */
function failuresOf(api: NodeState | undefined, chain: CniChain | undefined): ProblemView[] {
  if (chain?.problems.some(({ severity }) => severity === 'error')) return [];
  return (api?.failures ?? []).map(({ failure, says, count, event }) => ({
    severity: 'error',
    code: '',
    title: l10n.t('{0}, {1} times in the events', summarizeCniFailure(failure), count),
    says: says.includes(event.message) ? says : `${says} ${event.message}`,
    whatToDo: adviseOnCniFailure(failure),
    ...(failure.plugin !== undefined && { about: failure.plugin }),
  }));
}

function heldPodView({ namespace, name, trouble, object }: HangingPod): HeldPodView {
  return {
    namespace,
    name,
    stuck: trouble.kind === 'validation' ? 'unprotected' : object.metadata?.deletionTimestamp ? 'ending' : 'starting',
    short: trouble.short,
    says: trouble.says,
    next: trouble.next,
  };
}

function daemonSetView({ product, namespace, name, version, pod, orphan, hostPaths }: NetworkAgent): DaemonSetView {
  const standing = !pod
    ? l10n.t('no pod on this node')
    : (pod.trouble?.short ?? (pod.ready ? l10n.t('ready') : l10n.t('not ready')));
  return {
    product: [product, version].filter(Boolean).join(' '),
    name: `${namespace}/${name}`,
    standing: [standing, orphan && l10n.t('its DaemonSet is gone')].filter(Boolean).join(' · '),
    ready: pod?.ready === true && !orphan,
    hostPaths,
  };
}
