import * as l10n from '@vscode/l10n';
import { describeLogin } from '../cluster/login-wait.ts';
import { commandIds } from '../ids.ts';
import { MessageNode, failureNode, summarizeFailure } from './message-node.ts';
import type { TreeStore } from './store/tree-store.ts';

/** What stands in the place of a whole tree: why it failed, or the login that it waits for; undefined: show the tree. */
export function nothingToShow(store: TreeStore): MessageNode[] | undefined {
  const { failure, login } = store;
  if (failure && store.phase === 'failed') {
    const failed = failureNode('failure', failure, summarizeFailure(failure, store.cluster?.context.name));
    return failure.mayAskInTerminal ? [failed, askInTerminalNode()] : [failed];
  }
  if (!login) return undefined;
  return [
    new MessageNode('login', {
      label: l10n.t('Waiting for the login'),
      description: l10n.t('Cancel · {0}', login.who),
      icon: 'sync',
      tone: 'plain',
      tooltip: [
        { as: 'text', text: describeLogin(login) },
        ...(login.says ? [{ as: 'quote', text: login.says } as const] : []),
        { as: 'text', text: l10n.t('Choose this line to end it.') },
      ],
      command: { id: commandIds.cancelLogin, title: l10n.t('Cancel') },
    }),
  ];
}

/** The way on where a login program failed that could not ask. */
function askInTerminalNode(): MessageNode {
  return new MessageNode('login-in-terminal', {
    label: l10n.t('Log In in Terminal'),
    icon: 'terminal',
    tooltip: [{ as: 'text', text: l10n.t('The login program may ask you there what it needs to know.') }],
    command: { id: commandIds.loginInTerminal, title: l10n.t('Log In in Terminal') },
  });
}
