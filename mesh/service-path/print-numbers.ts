import * as l10n from '@vscode/l10n';

/** 0.33333333349 → `33.33`; a whole number stands without decimals. */
export function printPercent(part: number): string {
  const text = (part * 100).toFixed(2);
  return text.replace(/\.?0+$/, '') || '0';
}

/** 10800 → `3 h`. */
export function printDuration(seconds: number): string {
  if (seconds % 86400 === 0 && seconds > 0) return l10n.t('{0} d', seconds / 86400);
  if (seconds % 3600 === 0 && seconds > 0) return l10n.t('{0} h', seconds / 3600);
  return seconds % 60 === 0 && seconds > 0 ? l10n.t('{0} min', seconds / 60) : l10n.t('{0} s', seconds);
}

/**
 * Parts of a whole as percent that add up to exactly 100, or to what they are a part of: the rest that rounding leaves
 * goes to those that lost most.
 */
export function sharesInPercent(parts: readonly number[], decimals = 2): number[] {
  const unit = 10 ** decimals;
  const exact = parts.map((part) => part * 100 * unit);
  const floored = exact.map((part) => Math.floor(part + 1e-9));
  const total = Math.round(exact.reduce((sum, part) => sum + part, 0));
  let rest = total - floored.reduce((sum, part) => sum + part, 0);
  const byLoss = exact
    .map((part, at) => ({ at, loss: Math.round((part - floored[at]!) * 1000) }))
    .sort((a, b) => b.loss - a.loss || a.at - b.at);
  for (const { at } of byLoss) {
    if (rest <= 0) break;
    floored[at]!++;
    rest--;
  }
  return floored.map((part) => part / unit);
}
