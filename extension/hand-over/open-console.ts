/** Opens Kiali, Grafana, Jaeger or Prometheus on the page that is about what a person points at. */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { TreeTarget } from '../actions/pod-targets.ts';
import type { PortForward } from '../actions/port-forward.ts';
import { addressOf, findForward, openInBrowser, startForward, stopForward } from '../actions/port-forwards.ts';
import { ClusterFailure, type Cluster, type ClusterContext } from '../cluster/cluster.ts';
import { settingIds } from '../ids.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { pageOf, type PageSubject } from './console-pages.ts';
import { subjectOf } from './console-subject.ts';
import { consoleNames, type ConsoleKind, type ConsoleService } from './consoles.ts';
import { fillLink, joinPath, linkFor } from './link-settings.ts';
import { listConsoles, readConsole, type Console } from './read-console.ts';
import { pick } from '../pick.ts';

/** `via`: not by the address from outside. `open`: false, to be told the address only. */
export type ConsoleTarget = TreeTarget & { via?: 'forward'; open?: boolean };

export interface OpenedConsole {
  url: string;
  via: 'setting' | 'external' | 'forward';
  forward?: PortForward;
}

const settings: Readonly<Record<ConsoleKind, string>> = {
  kiali: settingIds.linkKiali,
  grafana: settingIds.linkGrafana,
  jaeger: settingIds.linkJaeger,
  prometheus: settingIds.linkPrometheus,
};

/** Where consoles stand besides a control plane's namespace, for those who may not look everywhere. */
const usualNamespaces = ['istio-system', 'monitoring', 'observability', 'tracing', 'kiali'];

/**
 * The user's own address first, then the one that the console has from outside, else a forwarded port, which survives a
 * restart of the console. Nothing is written, and no login is kept.
 * @returns undefined: Escape.
 */
export async function openConsole(
  app: App,
  kind: ConsoleKind,
  target: ConsoleTarget | undefined,
): Promise<OpenedConsole | undefined> {
  const cluster = await app.clusters.connect();
  const { context } = cluster;
  const subject = await subjectOf(cluster, target);
  const link = linkFor(vscode.workspace.getConfiguration().get(settings[kind]), context.name);
  if (link !== undefined && target?.via === undefined) {
    const url = fillLink(link, context.name, subject, pageOf(kind, subject));
    if (url === undefined) throw badLink(kind, link);
    return await openAddress({ url, via: 'setting' }, target);
  }
  const console = await findConsole(cluster, kind, subject);
  if (!console) return undefined;
  const page = pageOf(kind, subject, console.facts);
  if (console.externalUrl !== undefined && target?.via === undefined) {
    const opened = await openAddress({ url: joinPath(console.externalUrl, page), via: 'external' }, target);
    void tellOfAddress(app, console, context, target);
    return opened;
  }
  return await openForwarded(app, cluster, console, page, target);
}

async function openAddress(opened: OpenedConsole, target: ConsoleTarget | undefined): Promise<OpenedConsole> {
  if (target?.open !== false) await vscode.env.openExternal(vscode.Uri.parse(opened.url));
  return opened;
}

async function openForwarded(
  app: App,
  cluster: Cluster,
  console: Console,
  page: string,
  target: ConsoleTarget | undefined,
): Promise<OpenedConsole> {
  const { namespace, name, selector, targetPort, scheme } = console;
  const label = `Service ${namespace}/${name}`;
  const known = findForward(cluster.context, label, targetPort);
  const labelSelector = Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const forward =
    known ?? (await startForward(app, cluster, { label, port: targetPort, scope: { namespace, labelSelector } }, 0));
  const path = joinPath(console.root, page);
  if (target?.open !== false) await openInBrowser(forward, path, scheme);
  if (!known) void tellOfForward(app, console, cluster.context, forward);
  return { url: `${addressOf(forward, scheme)}${path}`, via: 'forward', forward };
}

/** The person's choice of this window, where there are several: by context and kind. */
const chosen = new Map<string, string>();

async function findConsole(
  cluster: Cluster,
  kind: ConsoleKind,
  { namespace }: PageSubject,
): Promise<Console | undefined> {
  const { context } = cluster;
  const near = [namespace, context.namespace].filter((each): each is string => each !== undefined);
  const title = vscode.l10n.t('Looking for {0} in “{1}”', consoleNames[kind], context.name);
  const found = await withAbortableProgress(
    title,
    async (_, signal) => await listConsoles(cluster, kind, [...usualNamespaces, ...near], signal),
  );
  if (found.length === 0) throw notFound(kind, context);
  const service = await chooseAmong(kind, context, found);
  return service && (await readConsole(cluster, service));
}

async function chooseAmong(
  kind: ConsoleKind,
  context: ClusterContext,
  found: readonly ConsoleService[],
): Promise<ConsoleService | undefined> {
  const memory = `${context.id} ${kind}`;
  const key = ({ namespace, name }: ConsoleService) => `${namespace}/${name}`;
  const before = found.find((service) => key(service) === chosen.get(memory));
  if (found.length === 1 || before) return before ?? found[0];
  const picked = await pick(
    found.map((service) => ({ label: service.name, description: service.namespace, service })),
    { title: vscode.l10n.t('{0} in “{1}”', consoleNames[kind], context.name), placeHolder: vscode.l10n.t('Which one') },
  );
  if (picked) chosen.set(memory, key(picked.service));
  return picked?.service;
}

async function tellOfForward(
  app: App,
  { kind, namespace, name }: Console,
  context: ClusterContext,
  forward: PortForward,
): Promise<void> {
  const stop = vscode.l10n.t('Stop');
  const picked = await vscode.window.showInformationMessage(
    vscode.l10n.t(
      '{0} (Service {1}/{2} of “{3}”) is at {4} until you stop it in the status bar. Log in there as you do elsewhere.',
      consoleNames[kind],
      namespace,
      name,
      context.name,
      addressOf(forward),
    ),
    stop,
  );
  if (picked === stop) stopForward(app, forward);
}

async function tellOfAddress(
  app: App,
  { kind, externalUrl = '' }: Console,
  context: ClusterContext,
  target: ConsoleTarget | undefined,
): Promise<void> {
  const forward = vscode.l10n.t('Forward a Port Instead');
  const picked = await vscode.window.showInformationMessage(
    vscode.l10n.t('{0} of “{1}” says that it is at {2}.', consoleNames[kind], context.name, externalUrl),
    forward,
  );
  if (picked === forward) await openConsole(app, kind, { ...target, via: 'forward' });
}

function notFound(kind: ConsoleKind, { name, kind: of }: ClusterContext): ClusterFailure {
  const console = consoleNames[kind];
  return new ClusterFailure(
    'not-found',
    vscode.l10n.t('There is no {0} in “{1}”: no Service there looks like one.', console, name),
    of === 'demo'
      ? vscode.l10n.t('The demo cluster is a recording without consoles; in a real mesh it is found by its Service.')
      : vscode.l10n.t('Install it, or write its address into the setting “{0}”.', settings[kind]),
  );
}

function badLink(kind: ConsoleKind, link: string): ClusterFailure {
  return new ClusterFailure(
    'invalid',
    vscode.l10n.t('{0} was not opened: “{1}” is no http or https address.', consoleNames[kind], link),
    vscode.l10n.t('Correct the setting “{0}”.', settings[kind]),
  );
}
