import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { ClusterFailure } from '../cluster/cluster.ts';
import { chooseContainer, chooseObject, chooseOnePod } from './pick-target.ts';
import { runningContainers, type TreeTarget } from './pod-targets.ts';
import { openShellTerminal } from './shell-terminal.ts';

/** Opens a shell in a container that runs; the application's is the first choice. @returns undefined: Escape. */
export async function openShell(app: App, target: TreeTarget | undefined): Promise<vscode.Terminal | undefined> {
  // Who types there may change anything, so the gate of protected contexts stands before it.
  const cluster = await app.clusters.connect({ toWrite: vscode.l10n.t('Open Terminal') });
  const object = await chooseObject(cluster, target, vscode.l10n.t('Pod in which to open a terminal'));
  const pod = object && (await chooseOnePod(cluster, object, vscode.l10n.t('Pod in which to open a terminal')));
  if (!pod) return undefined;
  const { namespace = '', name = '' } = pod.metadata ?? {};
  const names = runningContainers(pod);
  if (object.container !== undefined && names.includes(object.container))
    return openShellTerminal(app, cluster, { namespace, name, container: object.container });
  if (names.length === 0 || object.container !== undefined)
    throw new ClusterFailure(
      'not-found',
      vscode.l10n.t(
        'No terminal in pod {0}: {1} does not run there.',
        name,
        object.container ?? vscode.l10n.t('a container'),
      ),
      vscode.l10n.t('The Workloads view says what it waits for; its logs may tell why it ended.'),
    );
  const container = await chooseContainer(pod, names, vscode.l10n.t('Container in which to open a terminal'));
  return container === undefined ? undefined : openShellTerminal(app, cluster, { namespace, name, container });
}
