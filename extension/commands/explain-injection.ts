import * as vscode from 'vscode';
import { parse } from 'yaml';
import { decideInjection } from '../../mesh/injection/decide-injection.ts';
import { describeDecision } from '../../mesh/pods/describe-decision.ts';
import type { WorkloadReference } from '../../contract/language-server.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { readInjectionEnvironment, readPodOf } from '../cluster/read-injection.ts';
import { commandIds } from '../ids.ts';
import { showPage } from '../panels/markdown-page.ts';
import { defineCommand } from './define-command.ts';

/** Shows why a pod, or the pods of a workload, are injected or not: every step in the order in which Istio decides. */
export const explainInjection = defineCommand<[WorkloadReference]>(commandIds.explainInjection, async (app, target) => {
  const cluster = await app.clusters.connect();
  const reference = isReference(target) ? target : await pickTarget(cluster);
  if (!reference) return undefined; // the user pressed Escape: not an error
  const found = await readPodOf(cluster, reference);
  const environment = await readInjectionEnvironment(cluster, found.pod.metadata?.namespace ?? '');
  const decision = decideInjection({ pod: found.pod, ...environment.known, parseYaml: parse });
  const text = describeDecision({
    subject: `${reference.kind} ${reference.namespace}/${reference.name}`,
    cluster: cluster.context.name,
    decision,
    ...(found.running && { running: found.running }),
    missing: environment.missing,
  });
  const { kind, namespace, name } = reference;
  await showPage(app, `injection/${namespace}/${kind}/${name}`, text);
  return text;
});

function isReference(target: Partial<WorkloadReference> | undefined): target is WorkloadReference {
  return target?.kind !== undefined && target.name !== undefined;
}

async function pickTarget(cluster: Cluster): Promise<WorkloadReference | undefined> {
  const items = cluster
    .list<Pod>(resourceTypes.pods)
    .then(({ items: pods }) =>
      pods
        .map(({ metadata }) => ({ label: metadata?.name ?? '', description: metadata?.namespace ?? '' }))
        .sort((a, b) => (`${a.description}/${a.label}` < `${b.description}/${b.label}` ? -1 : 1)),
    );
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Pods of cluster {0}', cluster.context.name),
    placeHolder: vscode.l10n.t('Pod whose injection to explain'),
    matchOnDescription: true,
  });
  return picked && { kind: 'Pod', namespace: picked.description, name: picked.label };
}
