import * as l10n from '@vscode/l10n';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ClusterSnapshot } from '../contract/cluster-layer.ts';
import { parseSnapshotLine, snapshotProtocol } from '../contract/cluster-snapshot.ts';
import type { SnapshotLine } from '../contract/cluster-snapshot.ts';
import type { Terminal } from './verb.ts';

export interface ClusterChoice {
  /** Of the kubeconfig; absent: the current one. */
  context?: string | undefined;
  /** Read alone where all namespaces may not be. */
  namespace?: string | undefined;
}

/**
 * Runs the program that speaks to the cluster and takes what it tells.
 * @returns undefined when the cluster could not be read; why, and what to do next, is on stderr.
 */
export async function readCluster(choice: ClusterChoice, terminal: Terminal): Promise<ClusterSnapshot | undefined> {
  const { context, namespace } = choice;
  const program = join(terminal.programs ?? '.', 'cluster-snapshot.js');
  const args = [
    program,
    ...(context === undefined ? [] : ['--context', context]),
    ...(namespace === undefined ? [] : ['--namespace', namespace]),
  ];
  // Its standard input stays open as long as this process lives: that is how it notices when nobody listens any more.
  const child = spawn(process.execPath, args, {
    cwd: terminal.cwd,
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(terminal.env && { env: terminal.env as NodeJS.ProcessEnv }),
  });
  const ended = new Promise<string>((done) => {
    child.on('error', (error) => done(error.message));
    child.on('close', (code, signal) => done(l10n.t('it ended with {0}', signal ?? String(code))));
  });
  const gathered = new Gathered();
  for await (const text of createInterface({ input: child.stdout })) {
    const line = parseSnapshotLine(text);
    if (line) gathered.take(line);
  }
  const why = await ended;
  const { snapshot, problem } = gathered.result(why);
  if (problem !== undefined) terminal.err(`${problem}\n`);
  return snapshot;
}

/** The lines so far. */
class Gathered {
  private name = '';
  private readonly resources: ClusterSnapshot['resources'] = [];
  private readonly complete: string[] = [];
  private readonly gaps: string[] = [];
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
        else this.gaps.push(line.says || line.kind);
        break;
      case 'failure':
        this.failure = [line.message, line.next].filter(Boolean).join(' ');
        break;
      case 'end':
        this.hasEnded = true;
    }
  }

  result(why: string): { snapshot?: ClusterSnapshot; problem?: string } {
    if (this.failure !== undefined) return { problem: this.failure };
    if (!this.hasEnded) return { problem: l10n.t('Could not read the cluster: {0}.', why) };
    const { name, resources, complete, gaps } = this;
    const problem = [l10n.t('Of what could not be read, nothing is said to be missing:'), ...gaps].join('\n  ');
    return { snapshot: { name, resources, complete }, ...(gaps.length > 0 && { problem }) };
  }
}
