/** What planning, installing, repairing and uninstalling share: asking the nodes, and the helper that can write there. */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { CniMode, PlannedAction } from '../../contract/cni-plugin.ts';
import { parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import { planRepair } from '../../mesh/cni/plan-repair.ts';
import type { ReadCniResult } from '../../contract/node-helper.ts';
import { observeMounts, type HelperMode } from '../../contract/node-helper-rights.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { commandIds, contextKeys } from '../ids.ts';
import { deployNodeHelper, findDeployedHelper, Unfinished, type DeployedHelper } from '../node-helper/deploy.ts';
import { helperNamespace, manifestRights, type CniDirectories, type ManifestObject } from '../node-helper/manifest.ts';
import { prepareManifest, readAgentSettings } from '../node-helper/prepare-manifest.ts';
import { showReadonly } from '../node-helper/preview-document.ts';
import { directoriesOfNodes, needsSwitch, waitForAgents, whenForbidden } from '../node-helper/switch-mode.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { runsOtherSettings, settingsInCommand } from './agent-settings.ts';
import { askNodes, listTargetNodes, type NodeAnswer } from './ask-nodes.ts';
import { listed } from './describe-outcomes.ts';
import { agree } from './targets.ts';
import { groupPlans, type FileChange, type NodePlans } from './node-plans.ts';
import { collectWiring, describeWiring, wiringChanges, type Wiring } from './wiring.ts';

/** Every node's plan. Writes nothing. @throws ClusterFailure */
export async function planOnNodes(
  cluster: Cluster,
  nodes: readonly string[],
  planFor: PlannedAction,
  mode?: CniMode,
): Promise<{ plans: NodePlans; answers: NodeAnswer<'cni'>[] }> {
  return await withAbortableProgress(
    vscode.l10n.t('Asking the nodes of “{0}” what would change', cluster.context.name),
    async (progress, signal) => {
      const onAnswer = (count: number) =>
        progress.report({
          message: vscode.l10n.t('{0} of {1}', count, nodes.length),
          increment: 100 / nodes.length,
        });
      const question = { verb: 'cni', action: 'plan', planFor, ...(mode && { mode }) } as const;
      const answers = await askNodes(cluster, nodes, question, { signal, onAnswer, timeoutMs: 60_000 });
      const complete = planFor === 'repair' ? await planRepairsHere(cluster, answers, signal) : answers;
      return { plans: groupPlans(complete), answers: complete };
    },
  );
}

/** A helper that plans for installations only has said nothing about a repair: what it reads is enough to plan it here. */
async function planRepairsHere(
  cluster: Cluster,
  answers: readonly NodeAnswer<'cni'>[],
  signal: AbortSignal,
): Promise<NodeAnswer<'cni'>[]> {
  const older = answers.flatMap((answer) => (answer.ok && answer.result.plannedFor !== 'repair' ? [answer.node] : []));
  const readings = await askNodes(cluster, older, { verb: 'read-cni' }, { signal });
  return answers.map((answer) => {
    const reading = readings.find(({ node }) => node === answer.node);
    if (!reading) return answer;
    return reading.ok ? { node: answer.node, ok: true, result: repairOf(reading.result) } : reading;
  });
}

function repairOf({ confDir, binDirs, files, plugins }: ReadCniResult) {
  const plan = planRepair({ entries: files, probes: plugins });
  const before = files.flatMap(({ name, content }) => (content === undefined ? [] : [[name, content] as const]));
  return {
    exit: plan.action === 'refuse' ? (2 as const) : (0 as const),
    plan,
    plannedFor: 'repair' as const,
    confDir,
    binDir: binDirs[0] ?? '',
    before: Object.fromEntries(before),
  };
}

/** What stand-alone mode changes in the cluster itself; nothing, in chained mode. @throws ClusterFailure */
export async function planClusterChanges(
  cluster: Cluster,
  plans: NodePlans,
  mode: CniMode,
): Promise<{ wiring: Wiring; changes: FileChange[]; says: string }> {
  if (mode === 'chained') return { wiring: { edits: [], problems: [] }, changes: [], says: '' };
  const wiring = await collectWiring(
    cluster,
    plans.groups.map(({ result }) => result),
  );
  return { wiring, changes: wiringChanges(wiring.edits), says: describeWiring(wiring) };
}

/** What has to change about the helper before its nodes can be written to. */
export interface HelperChange {
  deployed: DeployedHelper | undefined;
  mode: HelperMode;
  manifest: ManifestObject[];
  needed: boolean;
  /** The preview's text was shown under this name. */
  rights: ReturnType<typeof manifestRights>;
}

/** Looks what stands and what would have to. Changes nothing. @throws ClusterFailure, RangeError */
export async function planHelper(app: App, cluster: Cluster, mode: HelperMode): Promise<HelperChange> {
  const deployed = await findDeployedHelper(cluster).catch(whenForbidden(undefined));
  const found = await readDirectories(cluster, deployed);
  const directories = mode === 'intercept' || !areUsual(found) ? found : undefined;
  const { manifest, options } = await prepareManifest(app, mode, directories);
  const rights = manifestRights(mode, options);
  return { deployed, mode, manifest, rights, needed: needsSwitch(deployed, manifest) };
}

async function readDirectories(cluster: Cluster, deployed: DeployedHelper | undefined) {
  // Of all nodes, also where only some are changed now: one DaemonSet serves them all.
  const names = (await listTargetNodes(cluster)).map(({ name }) => name);
  return directoriesOfNodes(await askNodes(cluster, names, { verb: 'read-cni' }), deployed);
}

function areUsual({ confDirs, binDirs }: CniDirectories): boolean {
  return [...confDirs, ...binDirs].every((path) => (observeMounts as readonly string[]).includes(path));
}

/**
 * A helper in observe mode sees the usual directories. Where a runtime has others (k3s, GKE, OpenShift …) nothing can be
 * planned before those are mounted, to be read: that is shown and asked.
 * @returns false when the person does not want it, or it did not come about.
 */
export async function mountDirectories(app: App, cluster: Cluster, confirmed: boolean): Promise<boolean> {
  const deployed = await findDeployedHelper(cluster).catch(whenForbidden(undefined));
  if (!deployed) return true;
  const found = await readDirectories(cluster, deployed);
  const mounted = [
    ...observeMounts,
    ...(deployed.directories?.confDirs ?? []),
    ...(deployed.directories?.binDirs ?? []),
  ];
  const missing = [...found.confDirs, ...found.binDirs].filter((path) => !mounted.includes(path));
  if (missing.length === 0) return true;
  const change = await planHelper(app, cluster, deployed.mode);
  await showHelper(app, cluster, change);
  const detail = vscode.l10n.t(
    'The runtime of a node has its CNI configuration or plugins in {0}. To see them, the node helper in namespace “{1}” is applied again with these directories mounted, as the preview lists. To undo: “Mesh: Remove Node Helper”.',
    listed(missing),
    helperNamespace,
  );
  const question = vscode.l10n.t('Let the node helper of context “{0}” see further directories?', cluster.context.name);
  if (!confirmed && !(await agree(cluster.context, question, detail, vscode.l10n.t('Apply')))) return false;
  await applyHelper(cluster, change, []);
  return true;
}

/** What happens to a helper whose agents run already; undefined where they do not. */
export function agentsChangeWords({ deployed }: HelperChange): string | undefined {
  if (deployed?.mode !== 'intercept') return undefined;
  const { command } = deployed;
  const from = settingsInCommand(command);
  return runsOtherSettings(deployed, readAgentSettings()) && from !== undefined
    ? vscode.l10n.t(
        'Before that the node helper in namespace “{0}” is applied again, as the preview lists: its agents run with other settings than “meshloom.cni” has now ({1}).',
        helperNamespace,
        from,
      )
    : vscode.l10n.t(
        'Before that the node helper in namespace “{0}” is applied again, as the preview lists: another program, or fewer directories, than this needs are there.',
        helperNamespace,
      );
}

/** Puts the manifest before the person. */
export async function showHelper(app: App, cluster: Cluster, { manifest, rights, mode, deployed }: HelperChange) {
  const { printPreview } = await import('../node-helper/preview.ts');
  const place = {
    context: cluster.context.name,
    namespace: helperNamespace,
    mode,
    ...(deployed && { replaces: deployed }),
  };
  await showReadonly(app.context, 'meshloom-node-helper.yaml', printPreview(manifest, rights, place), { keep: true });
}

/** Applies it and, in intercept mode, waits for the agents. @returns nodes whose agent does not answer, with the reason. @throws ClusterFailure, Unfinished */
export async function applyHelper(
  cluster: Cluster,
  { manifest, mode }: HelperChange,
  nodes: readonly string[],
): Promise<{ node: string; why: string }[]> {
  const title =
    mode === 'intercept'
      ? vscode.l10n.t('Bringing the node helper of “{0}” into intercept mode', cluster.context.name)
      : vscode.l10n.t('Bringing the node helper of “{0}” back into observe mode', cluster.context.name);
  return await withAbortableProgress(title, async (progress, signal) => {
    const report = (message: string) => progress.report({ message });
    try {
      const timeoutMs = 120_000;
      await deployNodeHelper(cluster, manifest, { signal, timeoutMs, onProgress: ({ message }) => report(message) });
    } catch (error) {
      // A node that is down keeps the rollout open for ever: what counts is whether the nodes that are meant answer.
      if (!(error instanceof Unfinished) || error.cancelled || nodes.length === 0) throw error;
    }
    await vscode.commands.executeCommand('setContext', contextKeys.nodeHelper, true);
    return mode === 'intercept' ? await waitForAgents(cluster, nodes, { signal, onProgress: report }) : [];
  });
}

/** Nodes without a helper: says so, and offers to deploy it. @returns true when there was such a node. */
export function offerHelper(app: App, { silent, groups }: NodePlans): boolean {
  if (groups.length > 0 || silent.length === 0) return false;
  const [first] = silent;
  const deploy = vscode.l10n.t('Deploy Node Helper…');
  const message = vscode.l10n.t(
    'No node answers ({0}), so nothing can be planned. {1} {2}',
    listed(silent.map(({ node }) => node)),
    first!.why,
    first!.next,
  );
  app.log.warn(message);
  const shown = vscode.window.showErrorMessage(message, ...(silent.some(({ canDeploy }) => canDeploy) ? [deploy] : []));
  void shown.then((picked) => picked === deploy && vscode.commands.executeCommand(commandIds.deployNodeHelper));
  return true;
}

/** Whether the plugin stands in the configuration of a node: chained, or in a file of its own. */
export function isPluginIn({ files }: ReadCniResult, type: string): boolean {
  return files.some((file) => parseCniFile(file).list?.plugins.some((plugin) => plugin.type === type));
}

/** The helper was switched, and cannot be used on these nodes yet. */
export function agentsMissing(context: string, missing: readonly { node: string; why: string }[]): string {
  return vscode.l10n.t(
    'The node helper of “{0}” is in intercept mode, but its agent does not answer everywhere: no node’s configuration was changed. {1}',
    context,
    listed(
      missing.map(({ node, why }) => `${node}: ${why}`),
      3,
    ),
  );
}
