import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ResourceType } from '../cluster/cluster.ts';
import { commandIds, webviewTypes } from '../ids.ts';
import { HelperMissing } from '../node-helper/client.ts';
import { readNodeRules } from '../node-helper/read-node-rules.ts';
import type { FailureAction, FailureView } from '../../contract/interception-view.ts';
import {
  parseFromServicePathView,
  type ServicePathState,
  type ToServicePathView,
} from '../../contract/service-path-view.ts';
import type { ObjectInputs } from '../../mesh/service-path/compare-with-objects.ts';
import { computeServicePaths } from '../../mesh/service-path/compute-service-paths.ts';
import {
  serviceNameLabel,
  type EndpointSliceObject,
  type ServiceObject,
} from '../../mesh/service-path/service-objects.ts';
import { connectTo, keptTexts } from './connect-to.ts';
import { webviewHtml } from './webview-html.ts';

export interface ServicePathTarget {
  namespace: string;
  name: string;
  node: string;
}

const endpointSlices: ResourceType = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
};

const openPanels = new Map<string, ServicePathPanel>();

/**
 * Opens the path of a Service on a node, or brings the open one to the front, and reads the node's rules.
 * @returns what the view shows once the reading has ended; undefined when the panel was closed before.
 */
export async function showServicePath(
  app: App,
  cluster: Cluster,
  target: ServicePathTarget,
): Promise<ServicePathState | undefined> {
  const context = cluster.context.name;
  const panel =
    openPanels.get(keyOf(target, context)) ?? new ServicePathPanel(app, target, context, createPanel(target));
  return panel.reveal();
}

/** Takes over a panel that a window had before it was reloaded. @param kept what the page kept of itself. */
export function restoreServicePath(app: App, webviewPanel: vscode.WebviewPanel, kept: unknown): void {
  const place = keptTexts(kept, ['namespace', 'name', 'node', 'context']);
  if (!place || openPanels.has(keyOf(place, place.context))) webviewPanel.dispose();
  else void new ServicePathPanel(app, place, place.context, webviewPanel).read();
}

function keyOf({ namespace, name, node }: ServicePathTarget, context: string): string {
  return JSON.stringify([context, namespace, name, node]);
}

function createPanel({ name, node }: ServicePathTarget): vscode.WebviewPanel {
  const title = vscode.l10n.t('{0} on {1}', name, node);
  return vscode.window.createWebviewPanel(webviewTypes.servicePath, title, vscode.ViewColumn.Active);
}

/** One Service on one node. The state lives here: the page may be thrown away while hidden, and asks for it when it is back. */
class ServicePathPanel {
  readonly #app: App;
  readonly #target: ServicePathTarget;
  readonly #panel: vscode.WebviewPanel;
  #state: ServicePathState;
  #reading: AbortController | undefined;

  constructor(app: App, target: ServicePathTarget, context: string, panel: vscode.WebviewPanel) {
    this.#app = app;
    this.#target = target;
    const { namespace, name, node } = target;
    this.#state = { service: { namespace, name }, node, context, phase: 'loading', paths: [], notes: [] };
    this.#panel = panel;
    openPanels.set(keyOf(target, context), this);
    const ownFiles = vscode.Uri.joinPath(app.context.extensionUri, 'dist', 'webviews');
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [ownFiles] };
    webview.onDidReceiveMessage((message: unknown) => this.#receive(message));
    this.#panel.onDidDispose(() => {
      this.#reading?.abort();
      openPanels.delete(keyOf(target, context));
    });
    webview.html = webviewHtml({
      language: vscode.env.language,
      title: panel.title,
      nonce: randomBytes(16).toString('base64url'),
      ownFiles: webview.cspSource,
      script: webview.asWebviewUri(vscode.Uri.joinPath(ownFiles, 'service-path.js')).toString(),
      style: webview.asWebviewUri(vscode.Uri.joinPath(ownFiles, 'service-path.css')).toString(),
    });
  }

  async reveal(): Promise<ServicePathState | undefined> {
    this.#panel.reveal();
    return this.read();
  }

  async read(): Promise<ServicePathState | undefined> {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    const { failure: _before, ...before } = this.#state;
    this.#show({ ...before, phase: 'loading' });
    const state = await this.#readState(reading.signal);
    if (reading.signal.aborted) return undefined;
    this.#show(state);
    return state;
  }

  async #readState(signal: AbortSignal): Promise<ServicePathState> {
    const { namespace, name, node } = this.#target;
    const { service, context } = this.#state;
    const base = { service, node, context, paths: [], notes: [] };
    try {
      const cluster = await connectTo(this.#app, context);
      const [{ reply, helperPod }, objects] = await Promise.all([
        readNodeRules(cluster, node, { namespace, name }, signal),
        readObjects(cluster, this.#target, signal),
      ]);
      if (!reply.ok) return { ...base, phase: 'failed', failure: this.#refused(reply.error) };
      const { readings, addresses, notes } = reply.result;
      const inputs: ObjectInputs = { ...objects.inputs, node, nodeAddresses: addresses };
      const texts = readings.map(({ text }) => text);
      const { paths, warnings, whyNone } = computeServicePaths(texts, { namespace, name }, inputs);
      return {
        ...base,
        phase: 'ready',
        source: vscode.l10n.t('read at {0} on node {1} by {2}', new Date().toLocaleTimeString(), node, helperPod),
        paths,
        notes: [...objects.notes, ...notes, ...warnings],
        ...(whyNone !== undefined && { whyNone }),
      };
    } catch (error) {
      if (!signal.aborted) this.#app.log.error(error instanceof Error ? error : String(error));
      return { ...base, phase: 'failed', failure: this.#describe(error) };
    }
  }

  #refused({ code, message, hint = '' }: { code: string; message: string; hint?: string }): FailureView {
    const isOld = code === 'unknown-verb' || code === 'protocol';
    return {
      what: vscode.l10n.t('The rules of node {0} could not be read.', this.#target.node),
      why: message,
      next: isOld ? vscode.l10n.t('The node helper there is older than this extension: deploy it again.') : hint,
      actions: [...(isOld ? [deploy()] : []), retry()],
    };
  }

  #describe(error: unknown): FailureView {
    const what = vscode.l10n.t('The rules of node {0} could not be read.', this.#target.node);
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof HelperMissing) {
      const next = vscode.l10n.t(
        'Deploy the node helper; it shows beforehand what it will do and which rights it asks for.',
      );
      return { what, why, next, actions: [deploy(), retry()] };
    }
    const next = error instanceof ClusterFailure ? error.next : vscode.l10n.t('The log has the details.');
    return { what, why, next, actions: [retry(), choose(), { id: 'show-log', label: vscode.l10n.t('Show Log') }] };
  }

  #show(state: ServicePathState): void {
    this.#state = state;
    const message: ToServicePathView = {
      type: 'state',
      state,
      ...(vscode.l10n.bundle && { strings: vscode.l10n.bundle }),
    };
    void this.#panel.webview.postMessage(message);
  }

  #receive(data: unknown): void {
    const message = parseFromServicePathView(data);
    if (message?.type === 'ready') this.#show(this.#state);
    else if (message?.type === 'refresh') void this.read();
    else if (message?.type === 'action') void this.#act(message.id);
  }

  async #act(id: FailureAction): Promise<void> {
    const commands: Partial<Record<FailureAction, string>> = {
      'deploy-node-helper': commandIds.deployNodeHelper,
      'choose-cluster': commandIds.chooseCluster,
      'show-log': commandIds.showLog,
    };
    const command = commands[id];
    if (command !== undefined) await vscode.commands.executeCommand(command);
    const isChosen = id === 'choose-cluster' && this.#app.clusters.chosen.name === this.#state.context;
    if (id === 'retry' || id === 'deploy-node-helper' || isChosen) await this.read();
  }
}

function retry(): FailureView['actions'][number] {
  return { id: 'retry', label: vscode.l10n.t('Read Again') };
}

function choose(): FailureView['actions'][number] {
  return { id: 'choose-cluster', label: vscode.l10n.t('Choose Cluster…') };
}

function deploy(): FailureView['actions'][number] {
  return { id: 'deploy-node-helper', label: vscode.l10n.t('Deploy Node Helper') };
}

/** The Service and its EndpointSlices. Who may not read slices still sees the rules, with a note. */
async function readObjects(
  cluster: Cluster,
  { namespace, name }: ServicePathTarget,
  signal: AbortSignal,
): Promise<{ inputs: ObjectInputs; notes: string[] }> {
  const service = await cluster.get<ServiceObject>(resourceTypes.services, name, { namespace, signal });
  const services = service ? [service] : [];
  try {
    const labelSelector = `${serviceNameLabel}=${name}`;
    const { items } = await cluster.list<EndpointSliceObject>(endpointSlices, { namespace, labelSelector, signal });
    return { inputs: { services, slices: items }, notes: [] };
  } catch (error) {
    if (!(error instanceof ClusterFailure) || error.reason !== 'forbidden') throw error;
    const note = vscode.l10n.t(
      'EndpointSlices may not be read, so endpoints that are missing from the rules cannot be named. {0}',
      error.message,
    );
    return { inputs: { services: [], slices: [] }, notes: [note] };
  }
}
