import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import { guardWrites } from '../actions/guard-writes.ts';
import { createGate, refuseWhenProtected } from '../actions/write-gate.ts';
import { demoStates, type DemoStateId } from '../demo/demo-states.ts';
import { settingIds } from '../ids.ts';
import { ClusterFailure, type Cluster, type ClusterContext } from './cluster.ts';
import { editorLoginTerminal } from './editor-login-terminal.ts';
import type { LoginWait, OnLogin } from './login-wait.ts';
import { watchFiles } from './watch-files.ts';
import type { findKubeconfigFiles } from './kubeconfig.ts';
import type { Kubeconfig, KubeconfigCluster, KubeconfigProblem, KubeconfigUser } from './kubeconfig.ts';

/**
 * The chosen cluster. Choosing contacts nobody; {@link Clusters.connect} loads the client (and starts the demo server)
 * when a view or a command first needs it.
 */
export interface Clusters {
  /** The chosen one; the demo cluster until the user chooses another. */
  readonly chosen: ClusterContext;
  readonly onDidChoose: vscode.Event<ClusterContext>;
  /** All that can be chosen: the demo's states, then the kubeconfig's contexts. Reads files, contacts nobody. */
  listContexts(): Promise<{ contexts: ClusterContext[]; problem?: string; problems: KubeconfigProblem[] }>;
  choose(context: ClusterContext): Promise<void>;
  /**
   * @param options.toWrite what the caller is about to do, as the person knows it (`Deploy Node Helper`): refused at once
   *   where the context is protected, and asked about once. Without it each write is asked about by itself.
   */
  connect(options?: { toWrite?: string }): Promise<Cluster>;
  /** The connection to the chosen one, where there is one already; contacts nobody. */
  readonly connected: Promise<Cluster> | undefined;
  /** The login that takes its time now. */
  readonly login: LoginWait | undefined;
  /** It began, says something more, or is over. */
  readonly onLogin: vscode.Event<void>;
  /** The next login asks in a terminal, where its program can. @returns false when there is none that could. */
  askInTerminal(): Promise<boolean>;
}

/** Key in the workspace's memory: the id of the chosen context. */
const memoryKey = 'meshloom.chosenCluster';
const defaultId = 'demo:broken';

/** What a connection holds open, and from what it was made: another login in the kubeconfig makes another connection. */
interface Connection {
  contextId: string;
  fingerprint: string;
  cluster: Promise<Cluster>;
  close: () => Promise<void>;
  retryLogin?: () => void;
  askInTerminal?: () => Promise<boolean>;
}

/** The same connection is the same object to whoever keeps one. */
const guards = new WeakMap<Cluster, Cluster>();

function guarded(cluster: Cluster): Cluster {
  const known = guards.get(cluster);
  if (known) return known;
  const guard = guardWrites(cluster, createGate());
  guards.set(cluster, guard);
  return guard;
}

/** Registers its own end with the extension's context. */
export function createClusters(extension: vscode.ExtensionContext, log: vscode.LogOutputChannel): Clusters {
  const didChoose = new vscode.EventEmitter<ClusterContext>();
  const loginChanged = new vscode.EventEmitter<void>();
  let login: LoginWait | undefined;
  const noteLogin: OnLogin = (wait) => {
    login = wait;
    loginChanged.fire();
  };
  let chosen = contextOf(extension.workspaceState.get<string>(memoryKey, defaultId));
  let connection: Connection | undefined;

  async function disconnect(): Promise<void> {
    const old = connection;
    connection = undefined;
    await old?.close().catch((error: unknown) => log.warn(String(error)));
  }

  /**
   * Whoever asks for the same thing meanwhile shares it; a connection that could not be made is forgotten. Nothing is
   * awaited before the new one is remembered, or two askers would open two.
   */
  async function reuse(fingerprint: string, context: ClusterContext, open: () => Opening): Promise<Cluster> {
    if (connection?.contextId === context.id && connection.fingerprint === fingerprint) return await connection.cluster;
    void disconnect();
    const made: Connection = { contextId: context.id, fingerprint, ...open() };
    connection = made;
    made.cluster.catch(() => {
      if (connection === made) connection = undefined;
    });
    return await made.cluster;
  }

  const clusters: Clusters = {
    get chosen() {
      return chosen;
    },
    get connected() {
      return connection?.contextId === chosen.id ? connection.cluster.then(guarded) : undefined;
    },
    get login() {
      return login;
    },
    onLogin: loginChanged.event,
    onDidChoose: didChoose.event,

    async listContexts() {
      const config = await readUsersKubeconfig();
      const problems = config.problems;
      return {
        contexts: [
          ...demoStates.map(describeDemo),
          ...(isRecording(chosen.id) ? [chosen] : []),
          ...config.contexts.map((context) => describeContext(context, config)),
        ],
        problems,
        ...(problems.length > 0 && { problem: problems.map(({ message }) => message).join('\n') }),
      };
    },

    async choose(context) {
      chosen = context;
      await disconnect();
      await extension.workspaceState.update(memoryKey, context.id);
      log.info(`chosen cluster: ${context.id}`);
      didChoose.fire(context);
    },

    async connect({ toWrite } = {}) {
      if (toWrite !== undefined) await refuseWhenProtected(chosen, toWrite);
      const cluster = await connectUnguarded();
      return toWrite === undefined ? guarded(cluster) : guardWrites(cluster, createGate(toWrite));
    },

    async askInTerminal() {
      await clusters.connect();
      return (await connection?.askInTerminal?.()) ?? false;
    },
  };

  async function connectUnguarded(): Promise<Cluster> {
    const context = chosen;
    if (context.kind === 'demo') return await reuse(context.id, context, () => openDemo(extension, log, context));
    refuseWhenRestricted(context);
    const { resolveContext } = await import('./kubeconfig.ts');
    followFiles();
    const config = await readUsersKubeconfig();
    // Chosen away while the files were read.
    if (chosen.id !== context.id) return await connectUnguarded();
    triedWith = undefined;
    const target = resolveContext(config, context.name);
    warnOfOpenDoors(log, target.cluster);
    const full = {
      ...context,
      server: target.cluster.server,
      ...(target.context.namespace && { namespace: target.context.namespace }),
      ...warningOf(target.cluster),
    };
    triedWith = fingerprintOf(target);
    // Who asks for a cluster anew means it: a login that failed before may be tried again.
    connection?.retryLogin?.();
    return await reuse(triedWith, context, () => openKubeconfig(full, target.cluster, target.user, noteLogin));
  }

  /** Of what a connection was made, or tried, last; undefined: the kubeconfig did not say enough. */
  let triedWith: string | undefined;
  let followed: { files: string; dispose(): void } | undefined;

  /** From the first connection on. Somebody who logs in with another program, or edits the file, need not tell us. */
  function followFiles(): void {
    void kubeconfigPaths().then(({ paths }) => {
      const files = paths.join('\n');
      if (followed?.files === files) return;
      followed?.dispose();
      followed = { files, ...watchFiles(paths, () => void reread()) };
    });
  }

  async function reread(): Promise<void> {
    const context = chosen;
    if (context.kind !== 'kubeconfig' || !vscode.workspace.isTrusted) return;
    const { resolveContext } = await import('./kubeconfig.ts');
    const config = await readUsersKubeconfig();
    let now: string;
    try {
      now = fingerprintOf(resolveContext(config, context.name));
    } catch {
      // Half written, or the context is gone: what is connected stays until it is asked for anew.
      return;
    }
    if (now === triedWith || chosen.id !== context.id) return;
    log.info(`the kubeconfig says something new about ${context.name}`);
    await disconnect();
    didChoose.fire(chosen);
  }

  extension.subscriptions.push(
    didChoose,
    loginChanged,
    { dispose: () => followed?.dispose() },
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (!change.affectsConfiguration(settingIds.kubeconfig) || chosen.kind !== 'kubeconfig') return;
      await disconnect();
      didChoose.fire(chosen);
    }),
    { dispose: () => void disconnect() },
  );
  return clusters;
}

interface Opening {
  cluster: Promise<Cluster>;
  close: () => Promise<void>;
  retryLogin?: () => void;
  askInTerminal?: () => Promise<boolean>;
}

/** The same way as to a real cluster: its API server just happens to run in this process. */
function openDemo(extension: vscode.ExtensionContext, log: vscode.LogOutputChannel, context: ClusterContext): Opening {
  const opened = (async () => {
    const { startDemoCluster, startRecordedCluster } = await import('../demo/demo-cluster.ts');
    const recordings = join(extension.extensionUri.fsPath, 'dist', 'recordings');
    const strings = vscode.l10n.bundle as Record<string, string> | undefined;
    const demo: { url: string; token: string; namespace?: string; problems: string[]; close: () => Promise<void> } =
      isRecording(context.id)
        ? await startRecordedCluster(context.id.slice(recordingPrefix.length), strings)
        : await startDemoCluster(context.id.slice('demo:'.length) as DemoStateId, recordings, strings);
    if (demo.problems.length > 0) warnOfDamage(context, demo.problems, log);
    log.info(`demo cluster ${context.id} listens on ${demo.url}`);
    const client = await createClient(
      { ...context, server: demo.url, ...(demo.namespace !== undefined && { namespace: demo.namespace }) },
      { name: context.name, server: demo.url, skipTLSVerify: false },
      { name: context.name, token: demo.token, impersonateGroups: [] },
    );
    return { demo, client };
  })();
  return {
    cluster: opened.then(({ client }) => client),
    close: async () => {
      const { demo, client } = await opened;
      client.dispose();
      await demo.close();
    },
  };
}

/** A recording that is damaged in part still shows the rest; the user is told what is missing from it. */
function warnOfDamage({ id, name }: ClusterContext, problems: readonly string[], log: vscode.LogOutputChannel): void {
  for (const problem of problems) log.warn(`demo cluster ${id}: ${problem}`);
  const showLog = vscode.l10n.t('Show Log');
  const message = vscode.l10n.t(
    'The recording behind “{0}” is damaged, the rest of it is shown: {1}',
    name,
    problems[0] ?? '',
  );
  void vscode.window.showWarningMessage(message, showLog).then((picked) => {
    if (picked === showLog) log.show();
  });
}

function openKubeconfig(
  context: ClusterContext,
  cluster: KubeconfigCluster,
  user: KubeconfigUser | undefined,
  onLogin: OnLogin,
): Opening {
  const client = createClient(context, cluster, user, onLogin);
  const retryLogin = () => void client.then((made) => made.retryLogin()).catch(() => undefined);
  const askInTerminal = async () => (await client).askInTerminal();
  return { cluster: client, close: async () => (await client).dispose(), retryLogin, askInTerminal };
}

async function createClient(
  context: ClusterContext,
  cluster: KubeconfigCluster,
  user: KubeconfigUser | undefined,
  onLogin?: OnLogin,
) {
  const { createClientNodeCluster } = await import('./client-node-cluster.ts');
  const strings = vscode.l10n.bundle as Record<string, string> | undefined;
  const terminal = user?.exec && editorLoginTerminal();
  return createClientNodeCluster({
    context,
    cluster,
    ...(user && { user }),
    ...(strings && { strings }),
    ...(onLogin && { onLogin }),
    ...(terminal && { terminal }),
  });
}

async function kubeconfigPaths(): Promise<ReturnType<typeof findKubeconfigFiles>> {
  const { findKubeconfigFiles } = await import('./kubeconfig.ts');
  return findKubeconfigFiles(kubeconfigSetting());
}

async function readUsersKubeconfig(): Promise<Kubeconfig> {
  const { readKubeconfig } = await import('./kubeconfig.ts');
  return await readKubeconfig(await kubeconfigPaths());
}

/** What a connection is made of. Not the tokens of an OIDC issuer: they are renewed within a connection. */
function fingerprintOf({ cluster, user }: { cluster: KubeconfigCluster; user?: KubeconfigUser }): string {
  const config = user?.authProvider?.name === 'oidc' ? (user.authProvider.config as object | undefined) : undefined;
  if (!config) return JSON.stringify([cluster, user]);
  const settled = { ...config, 'id-token': '', 'refresh-token': '' };
  return JSON.stringify([cluster, { ...user, authProvider: { ...user?.authProvider, config: settled } }]);
}

/** In Restricted Mode a folder that nobody trusts yet does not get to name the file that says what to run and where to connect. */
function kubeconfigSetting(): string {
  const [section, key] = splitSetting(settingIds.kubeconfig);
  const settings = vscode.workspace.getConfiguration(section);
  if (vscode.workspace.isTrusted) return settings.get<string>(key, '');
  return settings.inspect<string>(key)?.globalValue ?? '';
}

function splitSetting(id: string): [section: string, key: string] {
  const dot = id.lastIndexOf('.');
  return [id.slice(0, dot), id.slice(dot + 1)];
}

function refuseWhenRestricted({ name }: ClusterContext): void {
  if (vscode.workspace.isTrusted) return;
  throw new ClusterFailure(
    'kubeconfig',
    vscode.l10n.t(
      'Could not connect to context “{0}”: in Restricted Mode Meshloom runs no program and contacts no cluster but the demo.',
      name,
    ),
    vscode.l10n.t('Trust this workspace, or choose the demo cluster.'),
  );
}

function warningOf(cluster: KubeconfigCluster): { warning?: string } {
  const warning = openDoor(cluster);
  return warning === undefined ? {} : { warning };
}

/** Why somebody on the way could read or change what is said, in few words. */
function openDoor({ server, skipTLSVerify }: KubeconfigCluster): string | undefined {
  if (!URL.canParse(server)) return undefined;
  const { protocol, hostname } = new URL(server);
  const isHere = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  if (protocol === 'http:') return isHere ? undefined : vscode.l10n.t('not encrypted (http)');
  return skipTLSVerify ? vscode.l10n.t('certificate not verified') : undefined;
}

function warnOfOpenDoors(log: vscode.LogOutputChannel, { name, server, skipTLSVerify }: KubeconfigCluster): void {
  if (skipTLSVerify)
    log.warn(`cluster ${name}: insecure-skip-tls-verify is set, nobody checks who answers at ${server}`);
  if (server.startsWith('http:')) log.warn(`cluster ${name}: ${server} is not encrypted, so no credentials are sent`);
}

const recordingPrefix = 'recording:';

function isRecording(id: string): boolean {
  return id.startsWith(recordingPrefix);
}

/** A file that *Record Cluster* wrote, as a cluster that can be chosen. */
export function recordingContext(file: string): ClusterContext {
  return {
    id: `${recordingPrefix}${file}`,
    name: vscode.l10n.t('Recording: {0}', basename(file)),
    kind: 'demo',
    description: file,
  };
}

/** What is known without reading a file: enough to show its name, and to connect to it. */
function contextOf(id: string): ClusterContext {
  if (id.startsWith('kubeconfig:')) return { id, name: id.slice('kubeconfig:'.length), kind: 'kubeconfig' };
  if (isRecording(id)) return recordingContext(id.slice(recordingPrefix.length));
  const states = demoStates.map(describeDemo);
  return states.find((context) => context.id === id) ?? states.find((context) => context.id === defaultId)!;
}

function describeDemo({ id, title, description }: (typeof demoStates)[number]): ClusterContext {
  return { id: `demo:${id}`, name: vscode.l10n.t('Demo: {0}', title), kind: 'demo', namespace: 'shop', description };
}

function describeContext(
  { name, cluster, namespace }: Kubeconfig['contexts'][number],
  { clusters, currentContext }: Kubeconfig,
): ClusterContext {
  const found = clusters.find((candidate) => candidate.name === cluster);
  const server = found?.server;
  const warning = found && openDoor(found);
  const parts = [
    server ?? vscode.l10n.t('cluster “{0}” is not defined', cluster),
    warning,
    namespace && vscode.l10n.t('namespace {0}', namespace),
    name === currentContext && vscode.l10n.t('current context of kubectl'),
  ];
  return {
    id: `kubeconfig:${name}`,
    name,
    kind: 'kubeconfig',
    ...(server !== undefined && { server }),
    ...(namespace !== undefined && { namespace }),
    ...(warning !== undefined && { warning }),
    description: parts.filter(Boolean).join(' · '),
  };
}
