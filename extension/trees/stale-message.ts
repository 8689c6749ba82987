import * as l10n from '@vscode/l10n';
import type { TreeStore } from './tree-store.ts';

/** What stands over a tree whose data are no longer live; undefined while they are. */
export function staleMessage(store: TreeStore, cluster: string, now: number): string | undefined {
  const stale = store.stale();
  if (!stale || store.phase !== 'ready') return undefined;
  const minutes = Math.floor((now - stale.since) / 60_000);
  const age =
    minutes < 1
      ? l10n.t('less than a minute old')
      : minutes === 1
        ? l10n.t('1 minute old')
        : l10n.t('{0} minutes old', minutes);
  return l10n.t('Connection to {0} lost, what you see is {1}. Trying again. {2}', cluster, age, stale.failure.message);
}
