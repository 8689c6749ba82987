import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { LogRequest } from './follow-logs.ts';
import { openLogTerminal, type OpenLog } from './log-terminal.ts';
import { chooseObject, podsOf } from './pick-target.ts';
import { allContainers, scopeOf, type ObjectReference, type TreeTarget } from './pod-targets.ts';
import { pick } from '../pick.ts';

/** What the caller has decided already; the rest is asked. */
export interface LogChoice {
  container?: string;
  previous?: boolean;
  tailLines?: number;
}

/** Asks which containers and from when, and follows their logs in a terminal. @returns undefined: Escape. */
export async function showLogs(
  app: App,
  target: (TreeTarget & { logs?: LogChoice }) | undefined,
): Promise<OpenLog | undefined> {
  const cluster = await app.clusters.connect();
  const object = await chooseObject(cluster, target, vscode.l10n.t('Pod whose logs to show'));
  if (!object) return undefined;
  const [scope, pods] = await Promise.all([scopeOf(cluster, object), podsOf(cluster, object)]);
  const given = target?.logs;
  const which = given ?? (await pickContainers(cluster, object, pods));
  if (!which) return undefined;
  const since = given ? { tailLines: given.tailLines ?? 1000 } : which.previous ? {} : await pickSince();
  if (!since) return undefined;
  const request: LogRequest = {
    scope,
    ...(which.container !== undefined && { containers: [which.container] }),
    ...(which.previous && { previous: true }),
    ...since,
  };
  const name = [object.name, which.container].filter(Boolean).join('/');
  return openLogTerminal(app, cluster, request, {
    title: which.previous ? vscode.l10n.t('{0} (before the last restart)', name) : `${object.kind} ${name}`,
    prefix: object.kind !== 'Pod' ? 'pod' : which.container === undefined ? 'container' : 'none',
  });
}

type ContainerItem = vscode.QuickPickItem & { container?: string; previous?: boolean };

async function pickContainers(
  { context }: Cluster,
  object: ObjectReference & { container?: string },
  pods: readonly Pod[],
): Promise<LogChoice | undefined> {
  const names = object.container ? [object.container] : [...new Set(pods.flatMap((pod) => allContainers(pod)))];
  const before = names.filter((name) => pods.some((pod) => hasRestarted(pod, name)));
  const items: ContainerItem[] = [
    ...names.map((container) => ({ label: container, container })),
    ...(names.length > 1 ? [{ label: vscode.l10n.t('All Containers'), description: names.join(', ') }] : []),
    ...before.map((container) => ({
      label: vscode.l10n.t('{0}, before its last restart', container),
      container,
      previous: true,
    })),
  ];
  if (items.length === 1 && items[0]) return items[0];
  return await pick(items, {
    title: vscode.l10n.t('Logs of {0} {1} in {2} of {3}', object.kind, object.name, object.namespace, context.name),
    placeHolder: vscode.l10n.t('Container'),
  });
}

function hasRestarted({ status }: Pod, container: string): boolean {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return all.some(({ name, restartCount = 0 }) => name === container && restartCount > 0);
}

async function pickSince(): Promise<{ tailLines?: number; sinceSeconds?: number } | undefined> {
  const items = [
    { label: vscode.l10n.t('The last 1,000 lines, then follow'), since: { tailLines: 1000 } },
    { label: vscode.l10n.t('Only what comes from now on'), since: { tailLines: 0 } },
    { label: vscode.l10n.t('Since 5 minutes ago'), since: { sinceSeconds: 300 } },
    { label: vscode.l10n.t('Since 1 hour ago'), since: { sinceSeconds: 3600 } },
    { label: vscode.l10n.t('From the beginning'), since: {} },
  ];
  return (await pick(items, { placeHolder: vscode.l10n.t('From when') }))?.since;
}
