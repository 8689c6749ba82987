import * as l10n from '@vscode/l10n';

/** `*bar.com`: begins with a wildcard that is no whole label. */
export function isPartialWildcard(host: string): boolean {
  return host.includes('*') && host !== '*' && !host.startsWith('*.');
}

/** Why the wildcard of a host is none that stands for whole labels; undefined when it has none or a whole one. */
export function whyNoPlainWildcard(host: string): string | undefined {
  if (!isPartialWildcard(host)) return undefined;
  return l10n.t('"*" stands for whole labels: write "*.{0}"', host.replace(/^\*-?/, ''));
}
