import * as l10n from '@vscode/l10n';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isatty } from 'node:tty';
import type { ClusterSnapshot } from '../contract/cluster-layer.ts';
import { parseSnapshotLine, snapshotProtocol } from '../contract/cluster-snapshot.ts';
import type { SnapshotLine } from '../contract/cluster-snapshot.ts';
import type { Terminal } from './verb.ts';

export interface ClusterChoice {
  /** Of the kubeconfig; absent: the current one. */
  context?: string | undefined;
  /** Read alone where all namespaces may not be. */
  namespace?: string | undefined;
  /** Read these only, each text a list with commas; absent or empty: all that may be read. */
  namespaces?: readonly string[] | undefined;
}

/**
 * Runs the program that speaks to the cluster and takes what it tells.
 * @returns undefined when the cluster could not be read; why, and what to do next, is on stderr.
 */
export async function readCluster(choice: ClusterChoice, terminal: Terminal): Promise<ClusterSnapshot | undefined> {
  const { context, namespace, namespaces = [] } = choice;
  const program = join(terminal.programs ?? '.', 'cluster-snapshot.js');
  const args = [
    program,
    ...(context === undefined ? [] : ['--context', context]),
    ...(namespace === undefined ? [] : ['--namespace', namespace]),
    ...namespaces.flatMap((names) => ['--namespaces', names]),
  ];
  // Its standard input stays open as long as this process lives: that is how it notices when nobody listens any more.
  // A terminal is handed on beside it: a login program may ask there.
  const child = spawn(process.execPath, args, {
    cwd: terminal.cwd,
    stdio: ['pipe', 'pipe', 'inherit', isatty(0) ? 0 : 'ignore'],
    ...(terminal.env && { env: terminal.env as NodeJS.ProcessEnv }),
  });
  const ended = new Promise<string>((done) => {
    child.on('error', (error) => done(error.message));
    child.on('close', (code, signal) => done(l10n.t('it ended with {0}', signal ?? String(code))));
  });
  const gathered = new Gathered();
  for await (const text of createInterface({ input: child.stdout! })) {
    const line = parseSnapshotLine(text);
    if (line) gathered.take(line);
  }
  const why = await ended;
  const { snapshot, problem } = gathered.result(why);
  if (snapshot) for (const text of gathered.narrowness()) terminal.err(`${text}\n`);
  if (problem !== undefined) terminal.err(`${problem}\n`);
  return snapshot;
}

/** The lines so far. */
class Gathered {
  private name = '';
  private readonly resources: ClusterSnapshot['resources'] = [];
  private readonly complete: string[] = [];
  private readonly gaps: string[] = [];
  /** Kinds by the namespaces in which they were read. */
  private readonly kindsIn = new Map<string, string[]>();
  private unasked = 0;
  private failure: string | undefined;
  private hasEnded = false;

  take(line: SnapshotLine): void {
    switch (line.type) {
      case 'begin':
        this.name = line.context;
        if (line.protocol !== snapshotProtocol)
          this.failure = l10n.t(
            'Could not read the cluster: dist/cluster-snapshot.js is of another version than this program.',
          );
        break;
      case 'objects':
        for (const object of line.objects) this.resources.push(object);
        break;
      case 'kind':
        // What the cluster does not serve, it does not have.
        if (line.state === 'complete' || line.state === 'absent') this.complete.push(line.kind);
        else if (line.state !== 'part') this.gaps.push(line.says || line.kind);
        this.takeScope(line);
        break;
      case 'failure':
        this.failure = [line.message, line.next].filter(Boolean).join(' ');
        break;
      case 'end':
        this.hasEnded = true;
    }
  }

  private takeScope({ kind, namespaces = [], unasked = 0 }: Extract<SnapshotLine, { type: 'kind' }>): void {
    this.unasked = Math.max(this.unasked, unasked);
    if (namespaces.length === 0) return;
    const key = [...namespaces].sort().join(', ');
    this.kindsIn.set(key, [...(this.kindsIn.get(key) ?? []), kind.slice(kind.indexOf('/') + 1)]);
  }

  /** Which namespaces were read in place of the cluster, and that there may be more; none: the cluster was read. */
  narrowness(): string[] {
    const lines = [...this.kindsIn].map(([namespaces, kinds]) =>
      this.kindsIn.size === 1
        ? l10n.t('Only these namespaces were read, so nothing is said to be missing: {0}.', namespaces)
        : l10n.t('Only in these namespaces were read {0}: {1}.', kinds.join(', '), namespaces),
    );
    if (this.unasked === 0) return lines;
    return [
      ...lines,
      l10n.t('Namespaces that were not looked at: {0}. Name those that matter with --namespaces a,b.', this.unasked),
    ];
  }

  result(why: string): { snapshot?: ClusterSnapshot; problem?: string } {
    if (this.failure !== undefined) return { problem: this.failure };
    if (!this.hasEnded) return { problem: l10n.t('Could not read the cluster: {0}.', why) };
    const { name, resources, complete, gaps } = this;
    const problem = [l10n.t('Of what could not be read, nothing is said to be missing:'), ...gaps].join('\n  ');
    return { snapshot: { name, resources, complete }, ...(gaps.length > 0 && { problem }) };
  }
}
