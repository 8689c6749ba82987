/**
 * Credentials from a program that the kubeconfig names (`aws`, `gke-gcloud-auth-plugin`, `kubelogin` …).
 *
 * The client library would start one program per request (a browser tab each), wait for ever, and pass a bare ENOENT on:
 * here all requests share one run, it has a deadline, and a missing program is named.
 *
 * Protocol: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
import { readFile } from 'node:fs/promises';
import * as l10n from '@vscode/l10n';
import { ClusterFailure } from './cluster.ts';
import type { ExecPlugin, KubeconfigCluster } from './kubeconfig.ts';
import type { LoginTerminal } from './login-terminal.ts';
import { quietMs, tellOfWait, type OnLogin } from './login-wait.ts';
import { runProgram } from './run-program.ts';

export interface ExecCredential {
  token?: string;
  clientCertificateData?: string;
  clientKeyData?: string;
  /** Milliseconds since 1970; absent: as long as this connection lives. */
  expiresAt?: number;
}

export interface CredentialSource {
  /** What is known and has not expired, else what the program says now. Whoever asks meanwhile shares the run. */
  get(): Promise<ExecCredential>;
  /** The API server refused it. @returns whether the next `get` may bring another. */
  renew(used: ExecCredential): boolean;
  /** Somebody asks anew: what a person cancelled, or waited for in vain, may begin again. */
  retry(): void;
  /** A person wants to be asked in a terminal by what does not do so by itself. @returns false when there is no way. */
  askInTerminal(): boolean;
  /** Ends a program that still runs. */
  dispose(): void;
}

/** A person may have to log in with a browser meanwhile. */
const loginTimeoutMs = 120_000;
/** A token that expires while the request is under way is as good as expired. */
const renewBeforeMs = 10_000;
/** What was renewed just now and is refused again is no better a third time: a login must not follow a login. */
const freshMs = 10_000;
/** Ten kinds that are asked for at once, each with its own second try, shall not start ten programs that fail. */
const failedAgainMs = 2_000;
const apiVersions = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

interface SourceOptions {
  /** As the cluster is reached. */
  proxyUrl?: string | undefined;
  timeoutMs?: number | undefined;
  onLogin?: OnLogin | undefined;
  /** As the kubeconfig names who logs in. */
  user?: string | undefined;
  /** Absent: there is none, and what asks in one is not run. */
  terminal?: LoginTerminal | undefined;
}

/** Asks nothing before the first {@link CredentialSource.get}. */
export function createCredentialSource(
  plugin: ExecPlugin,
  cluster: KubeconfigCluster,
  context: string,
  { proxyUrl, timeoutMs = loginTimeoutMs, onLogin, user = '', terminal }: SourceOptions = {},
): CredentialSource {
  const stop = new AbortController();
  let known: ExecCredential | undefined;
  let running: Promise<ExecCredential> | undefined;
  let renewedAt = -Infinity;
  let failed: { error: unknown; at: number; tookMs: number; inTerminal: boolean } | undefined;
  let isTerminalWanted = false;
  let wasLoggedIn = false;

  async function ask(): Promise<ExecCredential> {
    const begin = performance.now();
    const inTerminal = asksInTerminal(plugin, terminal, isTerminalWanted);
    const isRenewal = wasLoggedIn && !isTerminalWanted;
    isTerminalWanted = false;
    const about = { who: plugin.command, kind: inTerminal ? 'terminal' : 'program', context } as const;
    try {
      const credential = await tellOfWait(about, onLogin, cancelled, (cancel, onStderr) => {
        const signal = AbortSignal.any([stop.signal, cancel]);
        const run = {
          context,
          user,
          proxyUrl,
          timeoutMs,
          signal,
          onStderr,
          terminal,
          inTerminal,
          isRenewal,
          cancelled,
        };
        return runPlugin(plugin, cluster, run);
      });
      wasLoggedIn = true;
      return credential;
    } catch (error) {
      failed = { error, at: performance.now(), tookMs: performance.now() - begin, inTerminal };
      throw error;
    }
  }

  const cancelled = () =>
    new ClusterFailure(
      'cancelled',
      l10n.t('Could not log in to context “{0}”: it was cancelled.', context),
      l10n.t('Refresh to begin again.'),
    );

  /** A window that somebody closed, or never saw, must not come back by itself; what failed at once may be tried again. */
  function failsAgain(): boolean {
    if (!failed) return false;
    return failed.inTerminal || failed.tookMs >= quietMs || performance.now() - failed.at < failedAgainMs;
  }
  return {
    async get() {
      if (known && (known.expiresAt === undefined || known.expiresAt - renewBeforeMs > Date.now())) return known;
      if (!running && failsAgain()) throw failed!.error;
      running ??= ask()
        .then((credential) => (known = credential))
        .finally(() => (running = undefined));
      return await running;
    },
    renew(used) {
      // Somebody else noticed first.
      if (known !== used) return true;
      if (performance.now() - renewedAt < freshMs) return false;
      renewedAt = performance.now();
      known = undefined;
      return true;
    },
    retry() {
      // Who asks anew after a failure is looking.
      if (failed) wasLoggedIn = false;
      failed = undefined;
    },
    askInTerminal() {
      if (!terminal || !mayAskInTerminal(plugin)) return false;
      isTerminalWanted = true;
      [failed, known] = [undefined, undefined];
      return true;
    },
    dispose: () => stop.abort(),
  };
}

/** As kubectl has it, which asks where it can unless the kubeconfig says otherwise. */
function mayAskInTerminal({ interactiveMode }: ExecPlugin): boolean {
  return interactiveMode === undefined || interactiveMode === 'IfAvailable' || interactiveMode === 'Always';
}

function asksInTerminal(plugin: ExecPlugin, terminal: LoginTerminal | undefined, isWanted: boolean): boolean {
  if (!terminal || !mayAskInTerminal(plugin)) return false;
  return plugin.interactiveMode === 'Always' || terminal.isThere || isWanted;
}

interface Run {
  context: string;
  user: string;
  proxyUrl: string | undefined;
  timeoutMs: number;
  signal: AbortSignal;
  onStderr: (text: string) => void;
  terminal: LoginTerminal | undefined;
  inTerminal: boolean;
  isRenewal: boolean;
  cancelled: () => Error;
}

async function runPlugin(plugin: ExecPlugin, cluster: KubeconfigCluster, run: Run): Promise<ExecCredential> {
  const fail: Fail = (why, next, cause, mayAskInTerminal) =>
    new ClusterFailure('unauthorized', l10n.t('Could not log in to context “{0}”: {1}', run.context, why), next, {
      cause,
      ...(mayAskInTerminal && { mayAskInTerminal }),
    });
  const apiVersion = plugin.apiVersion ?? apiVersions[0]!;
  if (!apiVersions.includes(apiVersion)) {
    throw fail(
      l10n.t(
        'the kubeconfig asks “{0}” for {1}, which no Kubernetes client speaks any more.',
        plugin.command,
        apiVersion,
      ),
      l10n.t('Update the program, then let it write the kubeconfig anew: {0}.', apiVersions.join(', ')),
    );
  }
  if (plugin.interactiveMode === 'Always' && !run.inTerminal) {
    throw fail(
      l10n.t('“{0}” asks questions in a terminal.', plugin.command),
      l10n.t('Log in once with kubectl in a terminal, or choose another cluster.'),
    );
  }
  const info = {
    kind: 'ExecCredential',
    apiVersion,
    // A program that can ask in a terminal must know whether there is one.
    spec: {
      interactive: run.inTerminal,
      ...(plugin.provideClusterInfo && { cluster: await clusterInfo(cluster, run.proxyUrl) }),
    },
  };
  const env = {
    ...process.env,
    ...Object.fromEntries(plugin.env.map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  };
  const running =
    run.inTerminal && run.terminal ? runInTerminal(plugin, env, run, run.terminal) : runAlone(plugin, env, run);
  const { stdout, stderr, code } = await running.catch((error: unknown) => {
    throw describeStart(plugin, run.user, env, error, fail);
  });
  if (code === undefined) throw run.cancelled();
  if (code !== 0) throw describeEnd(plugin, code, stderr.trim().slice(-500), run, fail);
  const credential = parseCredential(stdout, apiVersion);
  if (typeof credential === 'object') return credential;
  throw fail(
    l10n.t('“{0}” printed no credential: {1}', plugin.command, credential),
    l10n.t('Run it in a terminal to see what it prints; it may need an update.'),
  );
}

type Fail = (why: string, next: string, cause?: unknown, mayAskInTerminal?: boolean) => ClusterFailure;

/** `code` is undefined when the person ended it. */
interface Ended {
  stdout: string;
  stderr: string;
  code: number | null | undefined;
}

/** Nobody can answer it, but it may open a browser. */
function runAlone(plugin: ExecPlugin, env: NodeJS.ProcessEnv, { timeoutMs, signal, onStderr }: Run): Promise<Ended> {
  return runProgram(plugin.command, plugin.args, { env, timeoutMs, signal, onStderr });
}

/** What a shell says with 126 and 127 is what the system says of a program that it cannot start. */
async function runInTerminal(
  { command, args }: ExecPlugin,
  env: NodeJS.ProcessEnv,
  { user, isRenewal, timeoutMs, signal }: Run,
  terminal: LoginTerminal,
): Promise<Ended> {
  const { stdout, code } = await terminal.run({ command, args, env, user, isRenewal, timeoutMs, signal });
  const start = code === 126 ? 'EACCES' : code === 127 && 'ENOENT';
  if (start) throw Object.assign(new Error(start), { code: start });
  return { stdout, stderr: '', code };
}

function describeEnd(
  plugin: ExecPlugin,
  code: number | null,
  said: string,
  { inTerminal, terminal }: Run,
  fail: Fail,
): ClusterFailure {
  const words = said || (inTerminal ? l10n.t('why stands in its terminal.') : l10n.t('it gave no reason.'));
  const why = l10n.t('“{0}” ended with code {1}: {2}', plugin.command, String(code), words);
  // Who says why it cannot go on may be able to if it can ask.
  if (!inTerminal && terminal && said !== '' && mayAskInTerminal(plugin))
    return fail(
      why,
      l10n.t('Log in to the cluster again (as you do for kubectl), or let it ask you: “Mesh: Log In in Terminal”.'),
      undefined,
      true,
    );
  return fail(why, l10n.t('Log in to the cluster again (as you do for kubectl), then try again.'));
}

function describeStart(
  { command, installHint }: ExecPlugin,
  user: string,
  env: NodeJS.ProcessEnv,
  error: unknown,
  fail: Fail,
): ClusterFailure {
  const code = (error as { code?: unknown }).code;
  if (code === 'ENOENT') {
    // Only a bare name is searched for.
    const why = /[/\\]/.test(command)
      ? l10n.t('the program “{0}”, with which user “{1}” of the kubeconfig logs in, cannot be found.', command, user)
      : l10n.t(
          'the program “{0}”, with which user “{1}” of the kubeconfig logs in, was not found on the PATH: {2}',
          command,
          user,
          pathOf(env),
        );
    const next = l10n.t(
      'Install it on the machine where this window’s extensions run, or write its whole path into the kubeconfig, then Refresh. If a terminal finds it, start VS Code from there: a changed PATH counts from the next start.',
    );
    return fail(why, [installHint, next].filter(Boolean).join(' '), error);
  }
  if (code === 'EACCES') {
    return fail(
      l10n.t('“{0}”, which the kubeconfig names for logging in, may not be run.', command),
      l10n.t('Make the file executable, or correct the command in the kubeconfig.'),
      error,
    );
  }
  return fail(
    l10n.t('“{0}” did not finish: {1}', command, error instanceof Error ? error.message : String(error)),
    l10n.t('Run it in a terminal to see what it waits for.'),
    error,
  );
}

/** What of it a sentence can hold. */
function pathOf(env: NodeJS.ProcessEnv): string {
  const path = Object.entries(env).find(([name]) => name.toUpperCase() === 'PATH')?.[1] ?? '';
  if (path === '') return l10n.t('(empty)');
  return path.length > 400 ? `${path.slice(0, 400)}…` : path;
}

/** @returns why it is none, when the text is no ExecCredential of that version with something in it. */
export function parseCredential(text: string, apiVersion: string): ExecCredential | string {
  let printed: { kind?: unknown; apiVersion?: unknown; status?: unknown } | null;
  try {
    printed = JSON.parse(text) as typeof printed;
  } catch {
    // Not its words: a token may be among them.
    return text.trim() === '' ? l10n.t('it printed nothing.') : l10n.t('what it printed is not JSON.');
  }
  if (typeof printed !== 'object' || printed === null) return l10n.t('what it printed is no object.');
  if (printed.kind !== undefined && printed.kind !== 'ExecCredential')
    return l10n.t('it is a {0}, not an ExecCredential.', String(printed.kind).slice(0, 60));
  if (printed.apiVersion !== undefined && printed.apiVersion !== apiVersion)
    return l10n.t(
      'it is of {0}, but the kubeconfig asks for {1}.',
      String(printed.apiVersion).slice(0, 60),
      apiVersion,
    );
  const status = (printed.status ?? {}) as Record<string, unknown>;
  const string = (key: string) => (typeof status[key] === 'string' && status[key] !== '' ? status[key] : undefined);
  const token = string('token');
  const clientCertificateData = string('clientCertificateData');
  const clientKeyData = string('clientKeyData');
  if ((clientCertificateData === undefined) !== (clientKeyData === undefined))
    return l10n.t('it holds a certificate or a key, but not both.');
  if (token === undefined && clientCertificateData === undefined)
    return l10n.t('it holds neither a token nor a certificate.');
  const expiresAt = Date.parse(string('expirationTimestamp') ?? '');
  return {
    ...(token !== undefined && { token: token.trim() }),
    ...(clientCertificateData !== undefined && { clientCertificateData }),
    ...(clientKeyData !== undefined && { clientKeyData }),
    ...(!Number.isNaN(expiresAt) && { expiresAt }),
  };
}

async function clusterInfo(cluster: KubeconfigCluster, proxyUrl: string | undefined): Promise<object> {
  const ca =
    cluster.caData ??
    (cluster.caFile &&
      (await readFile(cluster.caFile).then(
        (bytes) => bytes.toString('base64'),
        () => undefined,
      )));
  return {
    server: cluster.server,
    ...(ca && { 'certificate-authority-data': ca }),
    ...(cluster.tlsServerName !== undefined && { 'tls-server-name': cluster.tlsServerName }),
    ...(cluster.skipTLSVerify && { 'insecure-skip-tls-verify': true }),
    ...(proxyUrl !== undefined && { 'proxy-url': proxyUrl }),
    ...(cluster.execConfig !== undefined && { config: cluster.execConfig }),
  };
}
