/** Spans of time in words. */
import * as l10n from '@vscode/l10n';

const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** `in 23 hours`, `2 days ago`. @param time ISO 8601, as `now` is. */
export function untilOrAgo(time: string, now: string): string {
  const left = Date.parse(time) - Date.parse(now);
  if (Number.isNaN(left)) return l10n.t('at an unknown time');
  const span = spanOf(Math.abs(left));
  return left < 0 ? l10n.t('{0} ago', span) : l10n.t('in {0}', span);
}

export function spanOf(ms: number): string {
  if (ms >= 2 * day) return l10n.t('{0} days', Math.floor(ms / day));
  if (ms >= 2 * hour) return l10n.t('{0} hours', Math.floor(ms / hour));
  if (ms >= 2 * minute) return l10n.t('{0} minutes', Math.floor(ms / minute));
  return l10n.t('{0} seconds', Math.floor(ms / 1000));
}
