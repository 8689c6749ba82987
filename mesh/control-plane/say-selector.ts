import * as l10n from '@vscode/l10n';
import type { LabelSelector } from '../kubernetes.ts';

/** A label selector in words: `istio-injection=enabled, no label istio.io/rev`. Empty for one that takes everything. */
export function saySelector(selector: LabelSelector | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    const [only = ''] = values;
    switch (operator) {
      case 'In':
        return values.length === 1 ? `${key}=${only}` : l10n.t('{0} one of {1}', key, values.join(', '));
      case 'NotIn':
        return values.length === 1 ? `${key}≠${only}` : l10n.t('{0} none of {1}', key, values.join(', '));
      case 'Exists':
        return l10n.t('any label {0}', key);
      case 'DoesNotExist':
        return l10n.t('no label {0}', key);
      default:
        return `${key} ${operator}`;
    }
  });
  return [...labels, ...expressions].join(', ');
}
