import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { ContainerOffer } from '../node-helper/debug-container.ts';
import { showReadonly } from '../node-helper/preview-document.ts';

/** Shows the debug container as YAML, and asks: it can never be taken out of the pod again. */
export async function agreeToContainer(
  { context }: App,
  { container, preview, question, detail }: ContainerOffer,
): Promise<boolean> {
  await showReadonly(context, `${container}.yaml`, preview);
  const add = vscode.l10n.t('Add and Read');
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, add)) === add;
}
