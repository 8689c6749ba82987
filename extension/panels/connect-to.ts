import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { ClusterFailure, type Cluster } from '../cluster/cluster.ts';

/** The cluster of a panel, and no other: the person may have chosen another since, or the window was reloaded. @throws ClusterFailure */
export async function connectTo({ clusters }: App, context: string): Promise<Cluster> {
  const cluster = await clusters.connect();
  if (cluster.context.name === context) return cluster;
  throw new ClusterFailure(
    'not-found',
    vscode.l10n.t('Its cluster {0} is not the chosen one, which is {1}.', context, cluster.context.name),
    vscode.l10n.t('Choose {0} to read again, or close this view.', context),
  );
}

/** What a page kept of itself, as far as it is what was asked for; undefined: an older page kept nothing. */
export function keptTexts<Name extends string>(
  kept: unknown,
  names: readonly Name[],
): Record<Name, string> | undefined {
  const record = typeof kept === 'object' && kept !== null ? (kept as Record<string, unknown>) : {};
  const texts = names.map((name) => [name, record[name]] as const);
  return texts.every(([, text]) => typeof text === 'string' && text !== '')
    ? (Object.fromEntries(texts) as Record<Name, string>)
    : undefined;
}
