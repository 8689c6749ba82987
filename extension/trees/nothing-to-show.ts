import * as l10n from '@vscode/l10n';
import { commandIds } from '../ids.ts';
import { MessageNode, failureNode, summarizeFailure } from './message-node.ts';
import type { TreeStore } from './tree-store.ts';

/** What stands in the place of a whole tree: why it failed, or the login that it waits for; undefined: show the tree. */
export function nothingToShow(store: TreeStore): MessageNode[] | undefined {
  const { failure, login } = store;
  if (failure && store.phase === 'failed')
    return [failureNode('failure', failure, summarizeFailure(failure, store.cluster?.context.name))];
  if (!login) return undefined;
  return [
    new MessageNode('login', {
      label: l10n.t('Waiting for the login'),
      description: l10n.t('Cancel · {0}', login.who),
      icon: 'sync',
      tone: 'plain',
      tooltip: [
        { as: 'text', text: describeLogin(store) ?? '' },
        ...(login.says ? [{ as: 'quote', text: login.says } as const] : []),
        { as: 'text', text: l10n.t('Choose this line to end it.') },
      ],
      command: { id: commandIds.cancelLogin, title: l10n.t('Cancel') },
    }),
  ];
}

/** What is waited for, and what a person may have to do; undefined: for no login. */
export function describeLogin({ login }: Pick<TreeStore, 'login'>): string | undefined {
  if (!login) return undefined;
  return login.kind === 'issuer'
    ? l10n.t('The issuer {0} has not answered yet about the login to “{1}”.', login.who, login.context)
    : l10n.t(
        '“{0}” logs in to “{1}”: a window of its own or the browser may be asking you something.',
        login.who,
        login.context,
      );
}
