/**
 * Credentials from a program that the kubeconfig names (`aws`, `gke-gcloud-auth-plugin`, `kubelogin` …).
 *
 * The client library would start one program per request (a browser tab each), wait for ever, and pass a bare ENOENT on:
 * here all requests share one run, it has a deadline, and a missing program is named.
 *
 * Protocol: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
import { spawn } from 'node:child_process';
import * as l10n from '@vscode/l10n';
import { ClusterFailure } from './cluster.ts';
import type { ExecPlugin, KubeconfigCluster } from './kubeconfig.ts';

export interface ExecCredential {
  token?: string;
  clientCertificateData?: string;
  clientKeyData?: string;
  /** Milliseconds since 1970; absent: as long as this connection lives. */
  expiresAt?: number;
}

/** A person may have to log in with a browser meanwhile. */
const loginTimeoutMs = 120_000;
/** A token that expires while the request is under way is as good as expired. */
const renewBeforeMs = 10_000;

/** Asks the plugin when first needed and when what it said has expired; whoever asks meanwhile shares the run. */
export function createCredentialSource(
  plugin: ExecPlugin,
  cluster: KubeconfigCluster,
  context: string,
): { get(): Promise<ExecCredential>; forget(): void } {
  let known: ExecCredential | undefined;
  let running: Promise<ExecCredential> | undefined;
  return {
    async get() {
      if (known && (known.expiresAt === undefined || known.expiresAt - renewBeforeMs > Date.now())) return known;
      running ??= runPlugin(plugin, cluster, context)
        .then((credential) => (known = credential))
        .finally(() => (running = undefined));
      return await running;
    },
    /** The API server refused it: ask anew next time. */
    forget() {
      known = undefined;
    },
  };
}

async function runPlugin(plugin: ExecPlugin, cluster: KubeconfigCluster, context: string): Promise<ExecCredential> {
  const apiVersion = plugin.apiVersion ?? 'client.authentication.k8s.io/v1';
  const info = {
    kind: 'ExecCredential',
    apiVersion,
    spec: { interactive: false, ...(plugin.provideClusterInfo && { cluster: clusterInfo(cluster) }) },
  };
  const fail = (why: string, next: string, cause?: unknown) =>
    new ClusterFailure('unauthorized', l10n.t('Could not log in to context “{0}”: {1}', context, why), next, { cause });
  if (plugin.interactiveMode === 'Always') {
    throw fail(
      l10n.t('“{0}” asks questions in a terminal.', plugin.command),
      l10n.t('Log in once with kubectl in a terminal, or choose another cluster.'),
    );
  }
  const env = {
    ...process.env,
    ...Object.fromEntries(plugin.env.map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  };
  const { stdout, stderr, code } = await runProgram(plugin.command, plugin.args, env).catch((error: unknown) => {
    const missing = (error as { code?: unknown }).code === 'ENOENT';
    throw missing
      ? fail(
          l10n.t(
            'the program “{0}”, which the kubeconfig names for logging in, is not on the PATH here.',
            plugin.command,
          ),
          plugin.installHint ??
            l10n.t('Install it on the machine where this window’s extensions run, then reload the window.'),
          error,
        )
      : fail(
          l10n.t('“{0}” did not finish: {1}', plugin.command, error instanceof Error ? error.message : String(error)),
          l10n.t('Run it in a terminal to see what it waits for.'),
          error,
        );
  });
  if (code !== 0) {
    throw fail(
      l10n.t(
        '“{0}” ended with code {1}: {2}',
        plugin.command,
        String(code),
        stderr.trim().slice(-500) || l10n.t('it gave no reason.'),
      ),
      l10n.t('Log in to the cluster again (as you do for kubectl), then try again.'),
    );
  }
  const credential = parseCredential(stdout);
  if (!credential) {
    throw fail(
      l10n.t('“{0}” printed no credential.', plugin.command),
      l10n.t('Run it in a terminal to see what it prints; it may need an update.'),
    );
  }
  return credential;
}

/** @returns undefined when the text is no ExecCredential with something in it. */
export function parseCredential(text: string): ExecCredential | undefined {
  let status: Record<string, unknown> | undefined;
  try {
    status = (JSON.parse(text) as { status?: Record<string, unknown> } | null)?.status;
  } catch {
    return undefined;
  }
  const string = (key: string) => (typeof status?.[key] === 'string' && status[key] !== '' ? status[key] : undefined);
  const token = string('token');
  const clientCertificateData = string('clientCertificateData');
  const clientKeyData = string('clientKeyData');
  if (token === undefined && (clientCertificateData === undefined || clientKeyData === undefined)) return undefined;
  const expiresAt = Date.parse(string('expirationTimestamp') ?? '');
  return {
    ...(token !== undefined && { token }),
    ...(clientCertificateData !== undefined && { clientCertificateData }),
    ...(clientKeyData !== undefined && { clientKeyData }),
    ...(!Number.isNaN(expiresAt) && { expiresAt }),
  };
}

function clusterInfo(cluster: KubeconfigCluster): object {
  return {
    server: cluster.server,
    ...(cluster.caData !== undefined && { 'certificate-authority-data': cluster.caData }),
    ...(cluster.tlsServerName !== undefined && { 'tls-server-name': cluster.tlsServerName }),
    ...(cluster.skipTLSVerify && { 'insecure-skip-tls-verify': true }),
  };
}

function runProgram(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ stdout: string; stderr: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: loginTimeoutMs,
      windowsHide: true,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout = (stdout + text).slice(0, 1024 * 1024)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-64 * 1024)));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal) reject(new Error(l10n.t('it was ended by {0} after {1} s.', signal, loginTimeoutMs / 1000)));
      else resolve({ stdout, stderr, code });
    });
  });
}
