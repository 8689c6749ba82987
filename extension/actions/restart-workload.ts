import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { resourceTypes } from '../cluster/cluster.ts';
import { chooseObject } from './pick-target.ts';
import { findRestartable, planRestart, type RestartPlan } from './plan-restart.ts';
import type { TreeTarget } from './pod-targets.ts';
import { showTextDiff } from './text-diff.ts';

/** Shows what changes, asks, restarts. @returns whether it was restarted; undefined: Escape. */
export async function restartWorkload(
  app: App,
  target: (TreeTarget & { confirmed?: boolean }) | undefined,
): Promise<boolean | undefined> {
  const cluster = await app.clusters.connect({ toWrite: vscode.l10n.t('Restart Workload') });
  const object = await chooseObject(cluster, target, vscode.l10n.t('Pod whose workload to restart'));
  if (!object) return undefined;
  const pod =
    object.kind === 'Pod'
      ? await cluster.get<Pod>(resourceTypes.pods, object.name, { namespace: object.namespace })
      : undefined;
  const reference = await findRestartable(cluster, object, pod);
  const plan = await planRestart(cluster, reference, new Date().toISOString().replace(/\.\d+Z$/, 'Z'));
  const { kind, namespace, name } = reference;
  const context = cluster.context.name;
  const title = vscode.l10n.t('{0} {1}/{2} in {3}: now ↔ restarted', kind, namespace, name, context);
  await showTextDiff(app, { name: `${kind}-${name}.yaml`, before: plan.before, after: plan.after, title });
  if (target?.confirmed !== true && !(await confirm(plan, context, cluster.context.server))) return false;
  await cluster.patch(plan.type, name, plan.patch, { namespace });
  void vscode.window.showInformationMessage(
    vscode.l10n.t('{0} {1}/{2} in “{3}” restarts. {4}', kind, namespace, name, context, plan.undo),
  );
  return true;
}

async function confirm(plan: RestartPlan, context: string, server = ''): Promise<boolean> {
  const { kind, namespace, name } = plan.reference;
  const restart = vscode.l10n.t('Restart');
  const picked = await vscode.window.showWarningMessage(
    vscode.l10n.t('Restart {0} “{1}” in namespace “{2}” of context “{3}”?', kind, name, namespace, context),
    {
      modal: true,
      detail: [
        vscode.l10n.t(
          'Its pods are replaced as its strategy says. The diff shows the one annotation that changes ({0}).',
          server || context,
        ),
        plan.injection,
        ...plan.notes,
        plan.undo,
      ].join('\n\n'),
    },
    restart,
  );
  return picked === restart;
}
