/** Asks the person at the gate: what the setting of protected contexts demands, in the editor. */
import * as vscode from 'vscode';
import { ClusterFailure, type ClusterContext } from '../cluster/cluster.ts';
import { settingIds } from '../ids.ts';
import type { Gate } from './guard-writes.ts';
import { protectedContexts } from './write-gate.ts';
import { findProtection } from './protected-contexts.ts';

/** What the settings say about a context, now. */
export function protectionOf({ name }: ClusterContext): ReturnType<typeof findProtection> {
  return findProtection(name, protectedContexts());
}

/** @throws ClusterFailure `protected` where nothing may be written at all: before anybody reads a preview in vain. */
export function refuseWhenProtected(context: ClusterContext, purpose: string): void {
  const found = protectionOf(context);
  if (found?.protection === 'refuse') throw refused(context, purpose, found.pattern);
}

/**
 * A gate that asks once for what one command writes, and is not asked again by it.
 * @param purpose as the person knows the command: `Deploy Node Helper`. Without it every write is asked about by itself.
 */
export function createAskingGate(purpose?: string): Gate {
  let agreed: Promise<void> | undefined;
  return async ({ context, object }) => {
    const found = protectionOf(context);
    if (!found) return;
    const what = purpose ?? vscode.l10n.t('a change of {0}', object);
    if (found.protection === 'refuse') throw refused(context, what, found.pattern);
    if (purpose === undefined) return await confirmByName(context, what, object);
    agreed ??= confirmByName(context, what, object);
    await agreed;
  };
}

async function confirmByName(context: ClusterContext, purpose: string, object: string): Promise<void> {
  const { name, server = '' } = context;
  const typed = await vscode.window.showInputBox({
    title: vscode.l10n.t('“{0}” is a protected context', name),
    prompt: vscode.l10n.t(
      '{0} is about to write {1} on {2}. Type the context’s name to allow it.',
      purpose,
      object,
      server || name,
    ),
    placeHolder: name,
    ignoreFocusOut: true,
    validateInput: (text) => (text === '' || text === name ? undefined : vscode.l10n.t('This is not “{0}”.', name)),
  });
  if (typed === name) return;
  throw new ClusterFailure(
    'protected',
    vscode.l10n.t('{0} wrote nothing to the protected context “{1}”: its name was not typed.', purpose, name),
    vscode.l10n.t('Run it again if it was meant, or choose another cluster.'),
  );
}

function refused({ name }: ClusterContext, purpose: string, pattern: string): ClusterFailure {
  return new ClusterFailure(
    'protected',
    vscode.l10n.t('{0} was refused: context “{1}” is protected by the pattern “{2}”.', purpose, name, pattern),
    vscode.l10n.t('Choose another cluster, or change the setting “{0}”.', settingIds.protectedContexts),
  );
}
