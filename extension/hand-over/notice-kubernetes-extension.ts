import * as vscode from 'vscode';
import { contextKeys } from '../ids.ts';
import { kubernetesExtensionId } from './kubernetes-extension-id.ts';

/** Tells the menus whether the Kubernetes extension is there; starts nothing. */
export function noticeKubernetesExtension(): vscode.Disposable {
  const tell = () =>
    void vscode.commands.executeCommand(
      'setContext',
      contextKeys.kubernetesExtension,
      vscode.extensions.getExtension(kubernetesExtensionId) !== undefined,
    );
  tell();
  return vscode.extensions.onDidChange(tell);
}
