import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';
import type { PlannedInstallation } from '../commands/plan-cni-installation.ts';
import { commandIds, webviewTypes } from '../ids.ts';
import {
  parseFromCniChainView,
  type ChainCommand,
  type CniChainState,
  type FromCniChainView,
  type ToCniChainView,
} from '../../contract/cni-chain-view.ts';
import type { CniAction, CniActionResult } from '../../contract/cni-plugin.ts';
import type { FailureAction, FailureView } from '../../contract/interception-view.ts';
import type { CniFile } from '../../contract/node-helper.ts';
import { planRepair } from '../../mesh/cni/plan-repair.ts';
import {
  chainState,
  failedChainState,
  loadingChainState,
  type ChainAnswers,
  type ChainPlace,
} from './cni-chain-state.ts';
import { connectTo, keptTexts } from './connect-to.ts';
import { openPlanDiff } from './cni-plan-documents.ts';
import type { ShownPlan } from './cni-plan-view.ts';
import { askNode, type AskedNode } from './read-chain-answers.ts';
import { withReading } from '../trees/cni-chain/read-node-chain.ts';
import { webviewHtml } from './webview-html.ts';

/** A plan that a command has made, to be shown as a diff. */
export interface PlanToShow {
  action: CniAction;
  result: CniActionResult;
  /** It was carried out; else it is a preview. */
  done?: boolean;
}

/** When an API server is silent for so long, that is said; it still has its time until the request's own limit. */
const silenceMs = 8_000;

const openPanels = new Map<string, CniChainPanel>();

/**
 * Opens the chain of a node, or brings the open one to the front, and reads the node.
 * @returns what the view shows once the reading has ended; undefined when the panel was closed before.
 */
export async function showCniChain(
  app: App,
  cluster: Cluster,
  node: string,
  plan?: PlanToShow,
): Promise<CniChainState | undefined> {
  const place = { node, context: cluster.context.name };
  const panel = openPanels.get(keyOf(place)) ?? new CniChainPanel(app, place, createPanel(place));
  return panel.reveal(plan);
}

/** Takes over a panel that a window had before it was reloaded. @param kept what the page kept of itself. */
export function restoreCniChain(app: App, webviewPanel: vscode.WebviewPanel, kept: unknown): void {
  const place = keptTexts(kept, ['node', 'context']);
  if (!place || openPanels.has(keyOf(place))) webviewPanel.dispose();
  else void new CniChainPanel(app, place, webviewPanel).read();
}

function keyOf({ node, context }: ChainPlace): string {
  return JSON.stringify([context, node]);
}

function createPanel({ node }: ChainPlace): vscode.WebviewPanel {
  const title = vscode.l10n.t('CNI chain of {0}', node);
  return vscode.window.createWebviewPanel(webviewTypes.cniChain, title, vscode.ViewColumn.Active);
}

/** One node. The state lives here: the page may be thrown away while hidden, and asks for it when it is back. */
class CniChainPanel {
  readonly #app: App;
  readonly #place: ChainPlace;
  readonly #panel: vscode.WebviewPanel;
  #state: CniChainState;
  #reading: AbortController | undefined;
  #answers: ChainAnswers = {};
  #earlier: CniFile[][] = [];
  /** `undefined`: what a repair would change, where something is wrong; null: the person has put it away. */
  #plan: ShownPlan | null | undefined;

  constructor(app: App, place: ChainPlace, panel: vscode.WebviewPanel) {
    this.#app = app;
    this.#place = place;
    this.#state = loadingChainState(place);
    this.#panel = panel;
    openPanels.set(keyOf(place), this);
    const ownFiles = vscode.Uri.joinPath(app.context.extensionUri, 'dist', 'webviews');
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [ownFiles] };
    webview.onDidReceiveMessage((data: unknown) => {
      const message = parseFromCniChainView(data);
      if (message) void this.#receive(message);
    });
    this.#panel.onDidDispose(() => {
      this.#reading?.abort();
      openPanels.delete(keyOf(place));
    });
    webview.html = webviewHtml({
      language: vscode.env.language,
      title: panel.title,
      nonce: randomBytes(16).toString('base64url'),
      ownFiles: webview.cspSource,
      script: webview.asWebviewUri(vscode.Uri.joinPath(ownFiles, 'cni-chain.js')).toString(),
      style: webview.asWebviewUri(vscode.Uri.joinPath(ownFiles, 'cni-chain.css')).toString(),
    });
  }

  async reveal(plan: PlanToShow | undefined): Promise<CniChainState | undefined> {
    if (plan) this.#plan = { ...plan.result, action: plan.action, done: plan.done === true };
    this.#panel.reveal();
    return this.read();
  }

  async read(): Promise<CniChainState | undefined> {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    this.#show(loadingChainState(this.#place, this.#state));
    const silence = setTimeout(() => this.#show(sayItIsSilent(this.#state)), silenceMs);
    try {
      const asked = await askNode(await connectTo(this.#app, this.#place.context), this.#place.node, {
        earlier: this.#earlier,
        signal: reading.signal,
      });
      if (reading.signal.aborted) return undefined;
      this.#take(asked);
    } catch (error) {
      if (reading.signal.aborted) return undefined;
      this.#app.log.error(error instanceof Error ? error : String(error));
      this.#show(failedChainState(this.#place, this.#describe(error)));
    } finally {
      clearTimeout(silence);
    }
    return this.#state;
  }

  #take({ answers, withoutHelper }: AskedNode): void {
    const errorsBefore = countErrors(this.#answers);
    if (answers.read) this.#earlier = withReading(this.#earlier, answers.read.result.files);
    this.#answers = { ...answers, ...(errorsBefore > 0 && countErrors(answers) === 0 && { errorsBefore }) };
    this.#showAnswers(withoutHelper && this.#describeSilence(withoutHelper));
  }

  #showAnswers(failure?: FailureView): void {
    const plan = this.#plan === undefined ? previewRepair(this.#answers) : this.#plan;
    const state = chainState(this.#place, { ...this.#answers, ...(plan && { plan }) });
    this.#show(failure ? { ...state, failure } : state);
  }

  /** The API has answered: what it tells is shown, and above it why there is no more. */
  #describeSilence({ why, next, canDeploy }: NonNullable<AskedNode['withoutHelper']>): FailureView {
    return {
      what: vscode.l10n.t('This is what the API alone tells of node {0}.', this.#place.node),
      why,
      next,
      actions: [...(canDeploy ? [deploy()] : []), retry()],
    };
  }

  #describe(error: unknown): FailureView {
    return {
      what: vscode.l10n.t('Node {0} could not be read.', this.#place.node),
      why: error instanceof Error ? error.message : String(error),
      next: error instanceof ClusterFailure ? error.next : vscode.l10n.t('The log has the details.'),
      actions: [
        retry(),
        { id: 'choose-cluster', label: vscode.l10n.t('Choose Cluster…') },
        { id: 'show-log', label: vscode.l10n.t('Show Log') },
      ],
    };
  }

  #show(state: CniChainState): void {
    this.#state = state;
    const message: ToCniChainView = {
      type: 'state',
      state,
      ...(vscode.l10n.bundle && { strings: vscode.l10n.bundle }),
    };
    void this.#panel.webview.postMessage(message);
  }

  async #receive(message: FromCniChainView): Promise<void> {
    switch (message.type) {
      case 'ready':
        return this.#show(this.#state);
      case 'refresh':
        return void (await this.read());
      case 'action':
        return this.#act(message.id);
      case 'run':
        return this.#run(message.command);
      case 'open-docs':
        return void (await vscode.commands.executeCommand(commandIds.showRule, message.code));
      case 'reveal-pod': {
        const { namespace, name } = message;
        return void (await vscode.commands.executeCommand(commandIds.revealPod, { namespace, name }));
      }
      case 'open-diff': {
        const plan = this.#plan ?? previewRepair(this.#answers);
        return plan && openPlanDiff(this.#app, this.#place, plan, message.file);
      }
      case 'close-plan':
        this.#plan = null;
        return this.#showAnswers(this.#state.failure);
    }
  }

  async #act(id: FailureAction): Promise<void> {
    if (id === 'deploy-node-helper') return this.#run('deploy-node-helper');
    if (id === 'choose-cluster') await vscode.commands.executeCommand(commandIds.chooseCluster);
    if (id === 'show-log') await vscode.commands.executeCommand(commandIds.showLog);
    const isChosen = id === 'choose-cluster' && this.#app.clusters.chosen.name === this.#place.context;
    if (id === 'retry' || isChosen) await this.read();
  }

  /** Commands ask before they change anything; afterwards the node is another. */
  async #run(command: ChainCommand): Promise<void> {
    if (command === 'plan-installation') await this.#planInstallation();
    else await vscode.commands.executeCommand(commandOf[command], { kind: 'Node', name: this.#place.node });
    if (command === 'repair') {
      this.#plan = undefined;
      // What we wrote ourselves is no sign of somebody who writes again and again.
      this.#earlier = [];
    }
    await this.read();
  }

  async #planInstallation(): Promise<void> {
    const node = { kind: 'Node', name: this.#place.node, shownElsewhere: true };
    const planned = await vscode.commands.executeCommand<PlannedInstallation | undefined>(
      commandIds.planCniInstallation,
      node,
    );
    const result = planned?.results.get(this.#place.node);
    if (result) this.#plan = { ...result, action: 'plan', done: false };
  }
}

const commandOf: Record<Exclude<ChainCommand, 'plan-installation'>, string> = {
  repair: commandIds.repairCniChain,
  'deploy-node-helper': commandIds.deployNodeHelper,
};

function sayItIsSilent(state: CniChainState): CniChainState {
  if (state.phase !== 'loading') return state;
  const says = vscode.l10n.t(
    'No answer for {0} s yet. The API server of {1}, or the node itself, is slow or does not answer.',
    silenceMs / 1000,
    state.context,
  );
  return { ...state, notices: [{ severity: 'warning', says }, ...state.notices] };
}

function countErrors({ read }: ChainAnswers): number {
  return read?.chain.problems.filter(({ severity }) => severity === 'error').length ?? 0;
}

/** Worked out here, from what was read: nobody is asked, and nothing is changed. */
function previewRepair({ read }: ChainAnswers): ShownPlan | undefined {
  if (!read || countErrors({ read }) === 0) return undefined;
  const { files, plugins } = read.result;
  const plan = planRepair({ entries: files, probes: plugins });
  if (plan.writes.length === 0 && plan.removes.length === 0) return undefined;
  const before = Object.fromEntries(
    files.flatMap(({ name, content }) => (content === undefined ? [] : [[name, content] as const])),
  );
  return { plan, before, action: 'repair', done: false };
}

function retry(): FailureView['actions'][number] {
  return { id: 'retry', label: vscode.l10n.t('Read Again') };
}

function deploy(): FailureView['actions'][number] {
  return { id: 'deploy-node-helper', label: vscode.l10n.t('Deploy Node Helper') };
}
