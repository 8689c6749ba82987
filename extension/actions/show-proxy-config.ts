import * as vscode from 'vscode';
import { describeProxyConfig } from '../../mesh/proxy-config/describe-proxy-config.ts';
import { isTable, pagesOf, pageTitle, type ProxyPage } from '../../mesh/proxy-config/pages.ts';
import type { ProxyReport } from '../../mesh/proxy-config/report.ts';
import type { App } from '../app.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { showPage } from '../panels/markdown-page.ts';
import { chooseObject, chooseOnePod } from './pick-target.ts';
import type { TreeTarget } from './pod-targets.ts';
import { readProxy } from './read-proxy.ts';
import { pick } from '../pick.ts';

/** Reads a pod's proxy and shows what it holds: an overview first, then by kind and filter. @returns what was read. */
export async function showProxyConfig(
  app: App,
  target: (TreeTarget & { page?: ProxyPage; filter?: string }) | undefined,
): Promise<ProxyReport | undefined> {
  const cluster = await app.clusters.connect();
  const placeHolder = vscode.l10n.t('Pod whose proxy to look into');
  const object = await chooseObject(cluster, target, placeHolder);
  const pod = object && (await chooseOnePod(cluster, object, placeHolder));
  if (!pod) return undefined;
  const report = await withAbortableProgress(
    vscode.l10n.t('Reading the proxy of {0}', pod.metadata?.name ?? ''),
    async (_, signal) => await readProxy(cluster, pod, new Date().toISOString(), signal),
  );
  await show(app, report, target?.page ?? 'overview', target?.filter ?? '');
  if (target?.page === undefined) void offerPages(app, report);
  return report;
}

async function show(app: App, report: ProxyReport, page: ProxyPage, filter: string): Promise<void> {
  // The last part is what the tab is called.
  const [namespace = '', name = ''] = report.subject.replace(/^Pod /, '').split('/');
  const path = `proxy/${namespace}/${name} · ${pageTitle(page)}`;
  await showPage(app, path, describeProxyConfig(report, page, filter));
}

/** What is typed that is no page's name filters the page that is chosen. */
async function offerPages(app: App, report: ProxyReport): Promise<void> {
  const picked = await pick(
    pagesOf(report.config.proxy).map((page) => ({ label: pageTitle(page), page })),
    { title: vscode.l10n.t('Proxy of {0}', report.subject), placeHolder: vscode.l10n.t('What to show of it') },
  );
  if (!picked) return;
  const filter = isTable(picked.page)
    ? await vscode.window.showInputBox({
        title: picked.label,
        prompt: vscode.l10n.t('Only rows that contain these words; empty for all'),
      })
    : '';
  if (filter === undefined) return;
  await show(app, report, picked.page, filter);
  await offerPages(app, report);
}
