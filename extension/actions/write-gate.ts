/** The gate as activation loads it: where nothing is protected, nobody is asked and nothing more is loaded. */
import * as vscode from 'vscode';
import type { ClusterContext } from '../cluster/cluster.ts';
import { settingIds } from '../ids.ts';
import type { Gate } from './guard-writes.ts';
import { findProtection, type ProtectedContexts } from './protected-contexts.ts';

/** The setting at every level: none can loosen what another one demands. */
export function protectedContexts(): (ProtectedContexts | undefined)[] {
  const levels = vscode.workspace.getConfiguration().inspect<ProtectedContexts>(settingIds.protectedContexts);
  return [levels?.globalValue, levels?.workspaceValue, levels?.workspaceFolderValue];
}

/** Whether writes to it are refused, or asked about. */
export function isProtected({ name }: Pick<ClusterContext, 'name'>): boolean {
  return findProtection(name, protectedContexts()) !== undefined;
}

/** @throws ClusterFailure `protected` where nothing may be written at all: before anybody reads a preview in vain. */
export async function refuseWhenProtected(context: ClusterContext, purpose: string): Promise<void> {
  if (isAnyProtected()) (await import('../inspection.ts')).refuseWhenProtected(context, purpose);
}

/**
 * A gate that asks once for what one command writes, and is not asked again by it.
 * @param purpose as the person knows the command: `Deploy Node Helper`. Without it every write is asked about by itself.
 */
export function createGate(purpose?: string): Gate {
  let asking: Promise<Gate> | undefined;
  return async (write) => {
    if (!isAnyProtected()) return;
    asking ??= import('../inspection.ts').then(({ createAskingGate }) => createAskingGate(purpose));
    await (
      await asking
    )(write);
  };
}

function isAnyProtected(): boolean {
  return protectedContexts().some((setting) => setting && Object.keys(setting).length > 0);
}
