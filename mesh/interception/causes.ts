import * as l10n from '@vscode/l10n';

/** Where a rule comes from, in the words in which a user can search for it. */
export function byDefault(): string {
  return l10n.t('default');
}

/** An annotation of the pod template, with the setting that gives its default where there is one. */
export function byAnnotation(name: string, setting?: string): string {
  return setting === undefined ? l10n.t('annotation {0}', name) : l10n.t('annotation {0}, or {1}', name, setting);
}

export function byProxyMetadata(name: string): string {
  return l10n.t('proxyMetadata {0} (annotation proxy.istio.io/config or meshConfig.defaultConfig)', name);
}

export const traffic = 'traffic.sidecar.istio.io';
