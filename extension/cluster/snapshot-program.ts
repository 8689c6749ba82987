/**
 * `node dist/cluster-snapshot.js [--context NAME] [--namespace NS] [--namespaces A,B]`: reads a cluster as kubectl would find it and prints
 * the lines of contract/cluster-snapshot.ts. A program of its own, because only this room may speak to Kubernetes; the
 * terminal's `meshloom analyze --cluster` runs it. It ends when its standard input does: who started it is gone then.
 * Descriptor 3, or standard input, may be a terminal: a login program asks there.
 */
import { isatty } from 'node:tty';
import { parseArgs } from 'node:util';
import * as l10n from '@vscode/l10n';
import type { SnapshotLine } from '../../contract/cluster-snapshot.ts';
import { ClusterFailure } from './cluster.ts';
import type { ClusterContext } from './cluster.ts';
import { collectSnapshot } from './collect-snapshot.ts';
import { findKubeconfigFiles, readKubeconfig, resolveContext } from './kubeconfig.ts';
import type { Kubeconfig } from './kubeconfig.ts';
import type { LoginTerminal } from './login-terminal.ts';
import { describeLogin, type OnLogin } from './login-wait.ts';
import { runProgram } from './run-program.ts';
import { parseNames } from '../trees/store/namespace-names.ts';
import { literalLines } from '../trees/literal-text.ts';

async function main(): Promise<void> {
  const options = {
    context: { type: 'string' },
    namespace: { type: 'string' },
    namespaces: { type: 'string', multiple: true, default: [] as string[] },
  } as const;
  const { values } = parseArgs({ options, strict: true });
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  // What is typed in a terminal is for a login program.
  if (!isatty(0))
    process.stdin
      .on('end', () => stop.abort())
      .on('error', () => stop.abort())
      .resume();
  process.stdout.on('error', () => process.exit(1));
  try {
    const namespaces = chooseNamespaces(values.namespaces);
    const target = await chooseTarget(values.context);
    const context: ClusterContext = {
      id: `kubeconfig:${target.context.name}`,
      name: target.context.name,
      kind: 'kubeconfig',
      server: target.cluster.server,
      ...((values.namespace ?? target.context.namespace) && {
        namespace: values.namespace ?? target.context.namespace!,
      }),
    };
    const terminal = findTerminal();
    const { createClientNodeCluster } = await import('./client-node-cluster.ts');
    const cluster = createClientNodeCluster({
      context,
      cluster: target.cluster,
      ...(target.user && { user: target.user }),
      onLogin: tellOfLogin(),
      ...(terminal && { terminal }),
    });
    const wanted = { signal: stop.signal, secrets: true, namespaces };
    for await (const line of collectSnapshot(cluster, wanted)) await print(line);
    cluster.dispose();
  } catch (error) {
    await print(describe(error));
    process.exitCode = 1;
  }
  // Logins and connections may still be open; nobody waits for them.
  process.exit();
}

function chooseNamespaces(texts: readonly string[]): string[] {
  const { names, wrong } = parseNames(texts.join(','));
  if (wrong.length === 0) return names;
  throw new ClusterFailure('invalid', l10n.t('No name of a namespace: {0}', wrong.join(', ')), '');
}

async function chooseTarget(wanted: string | undefined): Promise<ReturnType<typeof resolveContext>> {
  const config = await readKubeconfig(findKubeconfigFiles(''));
  const name = wanted ?? config.currentContext;
  if (name !== undefined && name !== '' && config.contexts.some((context) => context.name === name))
    return resolveContext(config, name);
  throw unknownContext(config, name ?? '');
}

function unknownContext({ problems, contexts, files }: Kubeconfig, name: string): ClusterFailure {
  const names = contexts.map((context) => context.name).join(', ');
  if (names === '') {
    const why = problems[0]?.message ?? l10n.t('No kubeconfig names a cluster.');
    return new ClusterFailure('kubeconfig', why, l10n.t('Set KUBECONFIG to the file that does.'));
  }
  const message =
    name === ''
      ? l10n.t('The kubeconfig {0} has no current context.', files.join(', '))
      : l10n.t('There is no context “{0}” in {1}.', name, files.join(', '));
  return new ClusterFailure('kubeconfig', message, l10n.t('Name one with --context: {0}.', names));
}

/** The one that the person sits before, as kubectl finds it: what is typed there can be read. */
function findTerminal(): LoginTerminal | undefined {
  const terminal = [3, 0].find((descriptor) => isatty(descriptor));
  if (terminal === undefined) return undefined;
  return {
    isThere: true,
    async run({ command, args, env, timeoutMs, signal }) {
      const { stdout, code } = await runProgram(command, args, { env, timeoutMs, signal, terminal });
      return { stdout, code: code ?? undefined };
    },
  };
}

/** On standard error, which is the terminal's: what is waited for, and what the program says to a person, each once. */
function tellOfLogin(): OnLogin {
  let told: string | undefined;
  return (wait) => {
    // A program that asks in the terminal speaks for itself there.
    if (!wait || wait.kind === 'terminal') return;
    const { says } = wait;
    const news = told !== undefined && says.startsWith(told) ? says.slice(told.length) : says;
    const text = told === undefined ? `${describeLogin(wait)}\n${news}` : news;
    told = says;
    if (text.trim() !== '') process.stderr.write(`${literalLines(text.trim())}\n`);
  };
}

/** Waits until it is on its way: a page of a large cluster fills a pipe many times. */
function print(line: SnapshotLine): Promise<void> {
  return new Promise((done) => process.stdout.write(`${JSON.stringify(line)}\n`, () => done()));
}

function describe(error: unknown): SnapshotLine {
  if (error instanceof ClusterFailure) {
    return { type: 'failure', reason: error.reason, message: error.message, next: error.next };
  }
  return {
    type: 'failure',
    reason: 'unexpected',
    message: error instanceof Error ? error.message : String(error),
    next: '',
  };
}

void main();
