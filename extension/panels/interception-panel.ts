import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { commandIds } from '../ids.ts';
import { HelperMissing, inspectPod } from '../node-helper/client.ts';
import { hashOfProgram } from '../node-helper/manifest.ts';
import type {
  FailureView,
  FromInterceptionView,
  InterceptionState,
  ToInterceptionView,
} from '../../contract/interception-view.ts';
import { UnreadableReply } from '../../contract/node-helper.ts';
import type { KubernetesEvent, Pod } from '../../mesh/kubernetes.ts';
import {
  describeClusterTrouble,
  describeRefusal,
  describeUnreadable,
  failedState,
  loadingState,
  noHelper,
  podGone,
  readyState,
  whyNotReadable,
  type PodPlace,
} from './interception-state.ts';
import { showRulesDocument } from './rules-documents.ts';
import { webviewHtml } from './webview-html.ts';

const viewType = 'meshloom.interception';

const openPanels = new Map<string, InterceptionPanel>();

/**
 * Opens the interception view of a pod, or brings the open one to the front, and reads the rules.
 * @returns what the view shows once the reading has ended; undefined when the panel was closed before.
 */
export async function showInterception(app: App, cluster: Cluster, pod: Pod): Promise<InterceptionState | undefined> {
  const place = {
    namespace: pod.metadata?.namespace ?? '',
    name: pod.metadata?.name ?? '',
    context: cluster.context.name,
  };
  const key = JSON.stringify([cluster.context.id, place.namespace, place.name]);
  let panel = openPanels.get(key);
  if (!panel) {
    panel = new InterceptionPanel(app, cluster, place, () => openPanels.delete(key));
    openPanels.set(key, panel);
  }
  return panel.reveal(cluster);
}

/** One pod's view. The state lives here: the page may be thrown away while hidden, and asks for it when it is back. */
class InterceptionPanel {
  readonly #app: App;
  readonly #place: PodPlace;
  readonly #panel: vscode.WebviewPanel;
  #cluster: Cluster;
  #state: InterceptionState;
  #reading: AbortController | undefined;

  constructor(app: App, cluster: Cluster, place: PodPlace, onClosed: () => void) {
    this.#app = app;
    this.#cluster = cluster;
    this.#place = place;
    this.#state = loadingState(place);
    const ownFiles = vscode.Uri.joinPath(app.context.extensionUri, 'dist', 'webviews');
    const title = vscode.l10n.t('iptables: {0}', place.name);
    this.#panel = vscode.window.createWebviewPanel(viewType, title, vscode.ViewColumn.Active, {
      enableScripts: true,
      localResourceRoots: [ownFiles],
    });
    const icon = (theme: 'light' | 'dark') =>
      vscode.Uri.joinPath(app.context.extensionUri, 'media', `mesh-${theme}.svg`);
    this.#panel.iconPath = { light: icon('light'), dark: icon('dark') };
    const { webview } = this.#panel;
    webview.onDidReceiveMessage((message: FromInterceptionView) => void this.#receive(message));
    this.#panel.onDidDispose(() => {
      this.#reading?.abort();
      onClosed();
    });
    webview.html = webviewHtml({
      language: vscode.env.language,
      title,
      nonce: randomBytes(16).toString('base64url'),
      ownFiles: webview.cspSource,
      script: webview.asWebviewUri(vscode.Uri.joinPath(ownFiles, 'interception.js')).toString(),
      style: webview.asWebviewUri(vscode.Uri.joinPath(ownFiles, 'interception.css')).toString(),
    });
  }

  async reveal(cluster: Cluster): Promise<InterceptionState | undefined> {
    // The user may have chosen away and back: the connection is a new one then.
    this.#cluster = cluster;
    this.#panel.reveal();
    return this.#read();
  }

  async #read(): Promise<InterceptionState | undefined> {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    this.#show(loadingState(this.#place, this.#state));
    const state = await this.#readState(reading.signal);
    if (reading.signal.aborted) return undefined;
    this.#show(state);
    return state;
  }

  async #readState(signal: AbortSignal): Promise<InterceptionState> {
    const { namespace, name } = this.#place;
    let node = '';
    try {
      // Asked anew each time: a pod of the same name (StatefulSet) may be another one by now, with another uid.
      const pod = await this.#cluster.get<Pod>(resourceTypes.pods, name, { namespace, signal });
      if (!pod) return failedState(this.#place, podGone(this.#place));
      node = pod.spec?.nodeName ?? '';
      const whyNot = whyNotReadable(pod) && whyNotReadable(pod, await this.#listEvents(pod, signal));
      if (whyNot) return failedState(this.#place, whyNot);
      const answer = await inspectPod(this.#cluster, pod, signal, { ownHash: await this.#hashOfOwnHelper() });
      if (!answer.reply.ok) return failedState(this.#place, describeRefusal(answer.reply.error, name, answer.node));
      const { result, helper } = answer.reply;
      const { node: answered, helperPod, outdated } = answer;
      const version = String((this.#app.context.extension.packageJSON as { version?: unknown }).version);
      return readyState(
        this.#place,
        { result, helper, node: answered, helperPod, at: new Date(), ...(outdated && { outdated }) },
        version,
      );
    } catch (error) {
      if (!signal.aborted) this.#app.log.error(error instanceof Error ? error : String(error));
      return failedState(this.#place, this.#describe(error, node));
    }
  }

  /** What happened to the pod; nothing when events may not be read, for they only add a reason. */
  async #listEvents(pod: Pod, signal: AbortSignal): Promise<KubernetesEvent[]> {
    const fieldSelector = `involvedObject.name=${this.#place.name}`;
    try {
      const { namespace } = this.#place;
      const { items } = await this.#cluster.list<KubernetesEvent>(resourceTypes.events, {
        namespace,
        fieldSelector,
        signal,
      });
      return items.filter(
        ({ involvedObject }) => involvedObject?.uid === undefined || involvedObject.uid === pod.metadata?.uid,
      );
    } catch (error) {
      if (error instanceof ClusterFailure) this.#app.log.warn(error.message);
      else throw error;
      return [];
    }
  }

  async #hashOfOwnHelper(): Promise<string> {
    const program = vscode.Uri.joinPath(this.#app.context.extensionUri, 'dist', 'node-helper.js');
    return hashOfProgram(await vscode.workspace.fs.readFile(program));
  }

  #describe(error: unknown, node: string): FailureView {
    if (error instanceof HelperMissing) return noHelper(this.#place.name, node, error.message);
    if (error instanceof UnreadableReply) {
      this.#app.log.error(`unreadable answer of the node helper on ${node}: ${error.text.slice(0, 4000)}`);
      return describeUnreadable(error.message, this.#place.name, node);
    }
    const next = error instanceof ClusterFailure ? error.next : vscode.l10n.t('The log has the details.');
    return describeClusterTrouble(this.#place, error instanceof Error ? error.message : String(error), next);
  }

  #show(state: InterceptionState): void {
    this.#state = state;
    const message: ToInterceptionView = {
      type: 'state',
      state,
      ...(vscode.l10n.bundle && { strings: vscode.l10n.bundle }),
    };
    void this.#panel.webview.postMessage(message);
  }

  async #receive(message: FromInterceptionView): Promise<void> {
    try {
      switch (message.type) {
        case 'ready':
          return this.#show(this.#state);
        case 'refresh':
          await this.#read();
          return;
        case 'copy':
          await vscode.env.clipboard.writeText(String(message.text));
          vscode.window.setStatusBarMessage(vscode.l10n.t('Copied the rules of {0}', this.#place.name), 3000);
          return;
        case 'open-raw':
          await this.#openRaw(message.reading);
          return;
        case 'action':
          await this.#act(message.id);
          return;
      }
    } catch (error) {
      this.#app.log.error(error instanceof Error ? error : String(error));
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  }

  async #openRaw(id: string): Promise<void> {
    const reading = this.#state.readings.find((one) => one.id === id);
    if (reading) await showRulesDocument(this.#app, this.#place, reading);
  }

  async #act(id: FailureView['actions'][number]['id']): Promise<void> {
    switch (id) {
      case 'retry':
        await this.#read();
        return;
      case 'deploy-node-helper':
        await vscode.commands.executeCommand(commandIds.deployNodeHelper);
        await this.#read();
        return;
      case 'choose-cluster':
        await vscode.commands.executeCommand(commandIds.chooseCluster);
        return;
      case 'show-log':
        await vscode.commands.executeCommand(commandIds.showLog);
        return;
    }
  }
}
