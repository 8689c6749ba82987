import * as l10n from '@vscode/l10n';
import { literalText } from './literal-text.ts';
import { describeLogin } from '../cluster/login-wait.ts';
import type { TreeStore } from './store/tree-store.ts';

const longest = 1_000;

/**
 * What stands over a tree: why nothing is there, whole, as a row of a side bar is too narrow for a reason; or how old the
 * data are when they are no longer live. Undefined while all is well.
 * @param now milliseconds since 1970.
 */
export function viewMessage(store: TreeStore, cluster: string, now: number): string | undefined {
  const says = (text: string) => literalText(text, longest);
  if (store.phase === 'failed' && store.failure) return says(`${store.failure.message} ${store.failure.next}`.trim());
  if (store.login) return says(`${describeLogin(store.login)} ${store.login.says}`.trim());
  const stale = store.stale();
  if (!stale || store.phase !== 'ready') return undefined;
  const minutes = Math.floor((now - stale.since) / 60_000);
  const age =
    minutes < 1
      ? l10n.t('less than a minute old')
      : minutes === 1
        ? l10n.t('1 minute old')
        : l10n.t('{0} minutes old', minutes);
  if (!stale.isTriedAgain) {
    return says(
      [l10n.t('What you see is {0}.', age), stale.failure.message, stale.failure.next].filter(Boolean).join(' '),
    );
  }
  return says(
    l10n.t('Connection to {0} lost, what you see is {1}. Trying again. {2}', cluster, age, stale.failure.message),
  );
}
