/** The forwarded ports of this window: a status-bar item that lists them, and their end with the extension's. */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { Cluster, ClusterContext } from '../cluster/cluster.ts';
import { describeFailure } from '../failures.ts';
import { commandIds } from '../ids.ts';
import { keepForwards } from './kept-forwards.ts';
import { PortForward, type ForwardState, type ForwardTarget } from './port-forward.ts';
import { drawChoice } from '../pick.ts';

interface OpenForward {
  forward: PortForward;
  context: string;
  contextId: string;
}

type WebScheme = 'http' | 'https';

const open = new Set<OpenForward>();
let item: vscode.StatusBarItem | undefined;

/**
 * Forwards and lists it.
 * @param localPort 0: any that is free.
 * @throws ClusterFailure, Error with code `EADDRINUSE`
 */
export async function startForward(
  app: App,
  cluster: Cluster,
  target: ForwardTarget,
  localPort: number,
): Promise<PortForward> {
  const context = cluster.context.name;
  let lastTold = 0;
  const tell = settled((state, before) => {
    if (forward.state.phase !== 'stopped') tellState(target, context, state, before);
  });
  const forward = await PortForward.start(cluster, target, localPort, {
    onState: (state, before) => {
      tell(state, before);
      show(app);
    },
    onFailure: (failure) => {
      app.log.warn(`port-forward to ${target.label}: ${failure.message}`);
      // A browser tries six times at once.
      if (failure.reason === 'cancelled' || Date.now() - lastTold < 10_000) return;
      lastTold = Date.now();
      void vscode.window.showWarningMessage(describeFailure(failure));
    },
  });
  open.add({ forward, context, contextId: cluster.context.id });
  keep(app);
  show(app);
  return forward;
}

/** Those that stand, for tests and for whoever wants one that is there already. */
export function listForwards(): PortForward[] {
  return [...open].map(({ forward }) => forward);
}

/** One that leads there already. */
export function findForward({ id }: ClusterContext, label: string, port: number | string): PortForward | undefined {
  const isIt = ({ forward: { target }, contextId }: OpenForward) =>
    contextId === id && target.label === label && target.port === port;
  return [...open].find(isIt)?.forward;
}

/** Stops one and takes it off the list. */
export function stopForward(app: App, forward: PortForward): void {
  for (const entry of open) if (entry.forward === forward) stopOne(app, entry);
}

/** A hand-over that took a moment is one change, and none where the pod of before is back. */
const settleMs = 3000;

function settled(tell: (state: ForwardState, before: ForwardState) => void) {
  let waiting: { state: ForwardState; before: ForwardState } | undefined;
  return (state: ForwardState, before: ForwardState): void => {
    if (waiting) {
      waiting.state = state;
      return;
    }
    const change = { state, before };
    waiting = change;
    setTimeout(() => {
      waiting = undefined;
      const podOf = (each: ForwardState) => (each.phase === 'ready' ? each.pod : each.phase);
      if (podOf(change.state) !== podOf(change.before)) tell(change.state, change.before);
    }, settleMs).unref();
  };
}

function tellState({ label }: ForwardTarget, context: string, state: ForwardState, before: ForwardState): void {
  if (state.phase === 'ready') {
    const message =
      before.phase === 'ready'
        ? vscode.l10n.t(
            'Pod {0} has gone: the forwarded port of {1} in “{2}” now leads to {3}.',
            before.pod,
            label,
            context,
            state.pod,
          )
        : vscode.l10n.t('The forwarded port of {0} in “{1}” now leads to {2}.', label, context, state.pod);
    void vscode.window.showInformationMessage(message);
  } else if (state.phase === 'waiting') {
    void vscode.window.showWarningMessage(
      vscode.l10n.t('No pod of {0} in “{1}” is ready: connections to its forwarded port wait for one.', label, context),
    );
  }
}

function show(app: App): void {
  if (!item) {
    item = vscode.window.createStatusBarItem('meshloom.portForwards', vscode.StatusBarAlignment.Left, 5);
    item.name = vscode.l10n.t('Forwarded Ports of the Mesh');
    item.command = commandIds.listPortForwards;
    app.context.subscriptions.push(item, { dispose: stopAll });
  }
  if (open.size === 0) return item.hide();
  const waits = [...open].some(({ forward }) => forward.state.phase !== 'ready');
  item.text = `$(${waits ? 'warning' : 'plug'}) ${open.size}`;
  const lines = [...open].map((entry) => `${addressOf(entry.forward)} → ${describe(entry)}`);
  item.tooltip = [vscode.l10n.t('Forwarded ports'), ...lines].join('\n');
  item.accessibilityInformation = { label: item.tooltip };
  item.show();
}

function stopAll(): void {
  for (const { forward } of open) forward.stop();
  open.clear();
  item = undefined;
}

function stopOne(app: App, entry: OpenForward): void {
  entry.forward.stop();
  open.delete(entry);
  keep(app);
  show(app);
}

/** For the next window, which says that they ended; not so when all end with this one. */
function keep({ context: { workspaceState } }: App): void {
  keepForwards(
    workspaceState,
    [...open].map(({ forward: { target, localPort }, context, contextId }) => ({
      target,
      localPort,
      context,
      contextId,
    })),
  );
}

/** Lists them: open in the browser, copy the address, stop. */
export async function pickForward(app: App): Promise<void> {
  if (open.size === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('No port is forwarded. “Mesh: Forward Port” does.'));
    return;
  }
  const buttons = {
    open: { iconPath: new vscode.ThemeIcon('link-external'), tooltip: vscode.l10n.t('Open in Browser') },
    copy: { iconPath: new vscode.ThemeIcon('copy'), tooltip: vscode.l10n.t('Copy Address') },
    stop: { iconPath: new vscode.ThemeIcon('debug-stop'), tooltip: vscode.l10n.t('Stop') },
  };
  const list = vscode.window.createQuickPick<vscode.QuickPickItem & { entry?: OpenForward }>();
  const fill = () => {
    list.items = [
      ...[...open].map((entry) => ({
        label: addressOf(entry.forward),
        description: describe(entry),
        entry,
        buttons: Object.values(buttons),
      })),
      { icon: 'debug-stop', label: vscode.l10n.t('Stop All') },
    ].map(drawChoice);
    if (open.size === 0) list.hide();
  };
  list.title = vscode.l10n.t('Forwarded ports');
  list.placeholder = vscode.l10n.t('Choose one to open it in the browser');
  fill();
  list.onDidTriggerItemButton(async ({ button, item: { entry } }) => {
    if (!entry) return;
    if (button === buttons.open) await openInBrowser(entry.forward);
    if (button === buttons.copy) await vscode.env.clipboard.writeText(addressOf(entry.forward));
    if (button === buttons.stop) stopOne(app, entry);
    fill();
  });
  list.onDidAccept(async () => {
    const [picked] = list.selectedItems;
    list.hide();
    if (!picked) return;
    if (picked.entry) return await openInBrowser(picked.entry.forward);
    for (const entry of [...open]) stopOne(app, entry);
  });
  list.onDidHide(() => list.dispose());
  list.show();
}

/** Through the editor, so that it also works when the editor's server is another machine. */
export async function openInBrowser(forward: PortForward, path = '/', scheme: WebScheme = 'http'): Promise<void> {
  const local = vscode.Uri.parse(`${addressOf(forward, scheme)}${path}`);
  await vscode.env.openExternal(await vscode.env.asExternalUri(local));
}

/** `http://127.0.0.1:8080` */
export function addressOf({ localPort }: PortForward, scheme: WebScheme = 'http'): string {
  return `${scheme}://127.0.0.1:${localPort}`;
}

function describe({ forward, context }: OpenForward): string {
  const { label, port } = forward.target;
  const where = forward.state.phase === 'ready' ? forward.state.pod : vscode.l10n.t('waits for a pod that is ready');
  return `${label}:${port} · ${where} · ${context}`;
}
