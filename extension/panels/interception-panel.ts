import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { commandIds, webviewTypes } from '../ids.ts';
import type {
  FailureAction,
  FromInterceptionView,
  InterceptionState,
  InterceptionTab,
  PodView,
  ToInterceptionView,
} from '../../contract/interception-view.ts';
import { parseFromInterceptionView } from '../../contract/parse-interception-view.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { agreeToContainer } from './agree-to-container.ts';
import { explainPodRules } from './explain-pod-rules.ts';
import { InterceptionSession, type SessionRead } from './interception-session.ts';
import { failedState, otherCluster, type PodPlace } from './interception-state.ts';
import { pickPod } from './pick-pod.ts';
import { ownHelperHash, ownVersion } from './own-helper.ts';
import { describeError, readPodRules, type PodRules } from './read-pod-rules.ts';
import { showRulesDocument } from './rules-documents.ts';
import { saveText } from './save-text.ts';
import { webviewHtml } from './webview-html.ts';

const openPanels = new Map<string, InterceptionPanel>();

/**
 * Opens the interception view of a pod, or brings the open one to the front, and reads the rules.
 * @param tab to go to; absent: the person stays where they are.
 * @returns what the view shows once the reading has ended; undefined when the panel was closed before.
 */
export async function showInterception(
  app: App,
  cluster: Cluster,
  pod: Pod,
  tab?: InterceptionTab,
): Promise<InterceptionState | undefined> {
  const { context } = cluster;
  const place = { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '', context: context.name };
  const panel = openPanels.get(keyOf(place)) ?? new InterceptionPanel(app, place, createPanel(place));
  return panel.reveal(tab);
}

/** Saves what a pod's panel shows, which is opened for it. @returns where to; undefined when the person chose no file. */
export async function saveInterception(app: App, cluster: Cluster, pod: Pod): Promise<vscode.Uri | undefined> {
  const state = await showInterception(app, cluster, pod);
  const panel = state && openPanels.get(keyOf(state.pod));
  const [reading] = state?.readings ?? [];
  return panel && reading && state.phase === 'ready' ? panel.save(reading.id, 'actual') : undefined;
}

/** Opens a pod's view on the comparison with another, which the person picks when none is named. */
export async function compareInterception(
  app: App,
  cluster: Cluster,
  pod: Pod,
  other?: Pod,
): Promise<InterceptionState | undefined> {
  const state = await showInterception(app, cluster, pod, 'compare');
  const panel = state && openPanels.get(keyOf(state.pod));
  await panel?.compare(other);
  return panel?.state;
}

/** Takes over a panel that a window had before it was reloaded. @param kept what the page kept of itself. */
export function restoreInterception(app: App, webviewPanel: vscode.WebviewPanel, kept: unknown): void {
  const pod = (kept as { pod?: Partial<PodView> } | null | undefined)?.pod;
  if (typeof pod?.namespace !== 'string' || typeof pod.name !== 'string' || typeof pod.context !== 'string') {
    // An older page kept nothing to know its pod by: better no panel than one that waits for ever.
    webviewPanel.dispose();
    return;
  }
  const place = { namespace: pod.namespace, name: pod.name, context: pod.context };
  if (openPanels.has(keyOf(place))) webviewPanel.dispose();
  else void new InterceptionPanel(app, place, webviewPanel).read();
}

function keyOf({ namespace, name, context }: PodPlace): string {
  return JSON.stringify([context, namespace, name]);
}

function createPanel({ name }: PodPlace): vscode.WebviewPanel {
  const title = vscode.l10n.t('iptables: {0}', name);
  return vscode.window.createWebviewPanel(webviewTypes.interception, title, vscode.ViewColumn.Active);
}

/**
 * One pod's window. The state lives in the session: the page may be thrown away while hidden, and asks for it when it is
 * back.
 */
class InterceptionPanel {
  readonly #app: App;
  readonly #place: PodPlace;
  readonly #panel: vscode.WebviewPanel;
  readonly #session: InterceptionSession;
  #tab: InterceptionTab | undefined;
  #pageListens = false;

  constructor(app: App, place: PodPlace, panel: vscode.WebviewPanel) {
    this.#app = app;
    this.#place = place;
    this.#panel = panel;
    this.#session = new InterceptionSession(place, {
      read: (of, options) => this.#readPod(of, options),
      explain: async (rules, signal) => explainPodRules(await this.#connect(), rules, signal),
      show: (state) => this.#send(state),
    });
    openPanels.set(keyOf(place), this);
    this.#fill();
    panel.webview.onDidReceiveMessage((data: unknown) => {
      const message = parseFromInterceptionView(data);
      if (message) void this.#receive(message);
      else app.log.warn(`the interception view of ${place.name} sent what nobody understands`);
    });
    panel.onDidChangeViewState(() => {
      this.#pageListens &&= panel.visible;
      this.#session.setVisible(panel.visible);
    });
    panel.onDidDispose(() => {
      this.#session.dispose();
      openPanels.delete(keyOf(place));
    });
  }

  get state(): InterceptionState {
    return this.#session.state;
  }

  async reveal(tab?: InterceptionTab): Promise<InterceptionState | undefined> {
    this.#tab = tab;
    this.#panel.reveal();
    return this.read();
  }

  async read(): Promise<InterceptionState | undefined> {
    return this.#session.read();
  }

  /** @returns where to; undefined when the person chose no file, or there is nothing of that kind. */
  async save(id: string, of: 'actual' | 'expected'): Promise<vscode.Uri | undefined> {
    const { readings, drift } = this.#session.state;
    const text =
      of === 'actual'
        ? readings.find((reading) => reading.id === id)?.raw
        : drift?.comparisons.find(({ reading }) => reading === id)?.expected;
    if (text === undefined) return undefined;
    return saveText(`${this.#place.name}.${of === 'actual' ? id : `${id}.expected`}.rules`, text);
  }

  #fill(): void {
    const { extensionUri } = this.#app.context;
    const ownFiles = vscode.Uri.joinPath(extensionUri, 'dist', 'webviews');
    const icon = (theme: 'light' | 'dark') => vscode.Uri.joinPath(extensionUri, 'media', `mesh-${theme}.svg`);
    this.#panel.iconPath = { light: icon('light'), dark: icon('dark') };
    const { webview } = this.#panel;
    webview.options = { enableScripts: true, localResourceRoots: [ownFiles] };
    webview.html = webviewHtml({
      language: vscode.env.language,
      title: this.#panel.title,
      nonce: randomBytes(16).toString('base64url'),
      ownFiles: webview.cspSource,
      script: webview.asWebviewUri(vscode.Uri.joinPath(ownFiles, 'interception.js')).toString(),
      style: webview.asWebviewUri(vscode.Uri.joinPath(ownFiles, 'interception.css')).toString(),
    });
  }

  /** The cluster of this panel's pod, and no other: the person may have chosen another since. */
  async #connect(): Promise<Cluster> {
    const cluster = await this.#app.clusters.connect();
    if (cluster.context.name !== this.#place.context) throw new OtherCluster(cluster.context.name);
    return cluster;
  }

  async #readPod(place: PodPlace, options: SessionRead): Promise<PodRules> {
    const { context, log } = this.#app;
    try {
      return await readPodRules(await this.#connect(), place, {
        ownHash: await ownHelperHash(context),
        version: ownVersion(context),
        log: (text) => log.warn(text),
        ...options,
      });
    } catch (error) {
      if (error instanceof OtherCluster) return { state: failedState(place, otherCluster(this.#place, error.chosen)) };
      log.error(error instanceof Error ? error : String(error));
      return { state: failedState(place, describeError(error, place)) };
    }
  }

  #send(state: InterceptionState): void {
    // A page that is not there yet, or not any more, asks for the state when it is.
    if (!this.#pageListens) return;
    const message: ToInterceptionView = {
      type: 'state',
      state,
      ...(vscode.l10n.bundle && { strings: vscode.l10n.bundle }),
      ...(this.#tab && { tab: this.#tab }),
    };
    this.#tab = undefined;
    void this.#panel.webview.postMessage(message);
  }

  async #receive(message: FromInterceptionView): Promise<void> {
    try {
      await this.#answer(message);
    } catch (error) {
      this.#app.log.error(error instanceof Error ? error : String(error));
      this.#session.note(error instanceof Error ? error.message : String(error));
    }
  }

  async #answer(message: FromInterceptionView): Promise<void> {
    const session = this.#session;
    switch (message.type) {
      case 'ready':
        this.#pageListens = true;
        return this.#send(session.state);
      case 'refresh':
        await session.read();
        return;
      case 'copy':
        await vscode.env.clipboard.writeText(message.text);
        vscode.window.setStatusBarMessage(vscode.l10n.t('Copied the rules of {0}', this.#place.name), 3000);
        return;
      case 'open-raw':
        return this.#openRaw(message.reading);
      case 'save':
        await this.save(message.reading, message.of);
        return;
      case 'watch':
        return session.watch(message.on, message.seconds);
      case 'compare':
        return message.stop ? session.stopComparing() : this.compare();
      case 'action':
        return this.#act(message.id);
    }
  }

  /** Lets the person pick a pod of the same cluster. */
  async compare(other?: Pod): Promise<void> {
    const { namespace, name, context } = this.#place;
    const placeHolder = vscode.l10n.t('Pod to compare with {0}', name);
    const picked = other ?? (await pickPod(await this.#connect(), { placeHolder, except: { namespace, name } }));
    if (!picked) return;
    await this.#session.compare({
      namespace: picked.metadata?.namespace ?? '',
      name: picked.metadata?.name ?? '',
      context,
    });
  }

  async #openRaw(id: string): Promise<void> {
    const { readings, compare } = this.#session.state;
    const reading = readings.find((one) => one.id === id) ?? compare?.readings.find((one) => one.id === id);
    if (reading) await showRulesDocument(this.#app, this.#place, reading);
  }

  async #act(id: FailureAction): Promise<void> {
    switch (id) {
      case 'retry':
        await this.#session.read();
        return;
      case 'deploy-node-helper':
        await vscode.commands.executeCommand(commandIds.deployNodeHelper);
        await this.#session.read();
        return;
      case 'read-inside':
        return this.#readInside();
      case 'show-computed':
        await this.#session.showComputed();
        return;
      case 'choose-cluster':
        await vscode.commands.executeCommand(commandIds.chooseCluster);
        if (this.#app.clusters.chosen.name === this.#place.context) await this.#session.read();
        return;
      case 'show-log':
        await vscode.commands.executeCommand(commandIds.showLog);
        return;
    }
  }

  /** Shows what would be added to the pod, asks, and only then adds it. */
  async #readInside(): Promise<void> {
    const { offer } = this.#session;
    if (!offer || !(await agreeToContainer(this.#app, offer))) return;
    this.#panel.reveal();
    await this.#session.read(offer);
  }
}

/** The pod of this panel is in a cluster that is not the chosen one. */
class OtherCluster extends Error {
  override readonly name = 'OtherCluster';
  readonly chosen: string;
  constructor(chosen: string) {
    super(`the chosen cluster is ${chosen}`);
    this.chosen = chosen;
  }
}
