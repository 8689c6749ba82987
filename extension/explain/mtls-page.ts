import * as vscode from 'vscode';
import type { WorkloadReference } from '../../contract/language-server.ts';
import { describeMtls } from '../../mesh/security/describe-mtls.ts';
import { explainMtls } from '../../mesh/security/explain-mtls.ts';
import type { App } from '../app.ts';
import { ClusterFailure, resourceTypes } from '../cluster/cluster.ts';
import { showPage } from '../panels/markdown-page.ts';
import { buildWorld, layOver, sortWritten, writtenKinds } from './build-world.ts';
import { chooseSubject, type Subject } from './choose-subject.ts';
import { groundOfFiles, withoutCluster } from './ground.ts';
import { readSecurityObjects, type SecurityObjects } from './security-objects.ts';

const kinds = [
  ...['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob'],
  ...['Service', 'ServiceEntry', 'PeerAuthentication', 'DestinationRule'],
];

/**
 * Shows which mutual TLS holds for a pod, a workload, a Service or what a policy is about: per port, with the clients'
 * side and what STRICT would break.
 * @returns the page's text; undefined when the user pressed Escape.
 */
export async function showMtls(app: App, target?: Partial<WorkloadReference>): Promise<string | undefined> {
  const subject = await chooseSubject(app, {
    target,
    kinds,
    offer: [resourceTypes.pods, resourceTypes.services],
    placeHolder: vscode.l10n.t('Pod or Service whose mutual TLS to explain'),
  });
  if (!subject) return undefined;
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t('Reading what mutual TLS of {0} depends on', subject.name),
      cancellable: true,
    },
    async (_, token) => {
      const cancel = new AbortController();
      token.onCancellationRequested(() => cancel.abort());
      const { objects, origin } = await gather(app, subject, cancel.signal);
      return token.isCancellationRequested ? undefined : showExplanation(app, subject, objects, origin);
    },
  );
}

async function showExplanation(app: App, subject: Subject, objects: SecurityObjects, origin: string): Promise<string> {
  const { kind, namespace, name } = subject;
  const explanation = explainMtls({ kind, namespace, name }, buildWorld(objects));
  if (!explanation)
    throw new ClusterFailure(
      'not-found',
      vscode.l10n.t(
        'There is no {0} {1} in namespace {2}, or it has no pods that could be looked at.',
        kind,
        name,
        namespace,
      ),
      vscode.l10n.t('It may have been deleted a moment ago: refresh the view.'),
    );
  const text = describeMtls({ explanation, origin, missing: objects.missing });
  await showPage(app, `mtls/${namespace}/${kind}/${name} · mTLS`, text);
  return text;
}

async function gather(
  app: App,
  subject: Subject,
  signal: AbortSignal,
): Promise<{ objects: SecurityObjects; origin: string }> {
  if (subject.from === 'cluster') {
    const cluster = await app.clusters.connect();
    const origin = vscode.l10n.t('Cluster {0}', cluster.context.name);
    return { objects: await readSecurityObjects(cluster, signal), origin };
  }
  const written = sortWritten((await app.language.objects({ kinds: writtenKinds })).objects);
  const { cluster, origin } = await groundOfFiles(app);
  if (!cluster) return { objects: written, origin };
  try {
    return { objects: layOver(written, await readSecurityObjects(cluster, signal)), origin };
  } catch (error) {
    if (signal.aborted) throw error;
    return { objects: written, origin: withoutCluster(cluster.context.name, error, app.log) };
  }
}
