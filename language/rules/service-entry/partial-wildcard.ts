import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { isPartialWildcard, whyNoPlainWildcard } from '../values/wildcards.ts';

/** Proxies compare whole labels behind a wildcard. */
export const partialWildcard = defineWarning('ServiceEntry', {
  id: 'service-entry/partial-wildcard',
  why: 'A wildcard stands for whole labels: proxies do not know what to make of "*bar.com", and Istio warns of it except with resolution DYNAMIC_DNS.',
  *check({ spec }) {
    if (spec.at('resolution').string === 'DYNAMIC_DNS') return;
    for (const host of spec.at('hosts').items) {
      if (!host.string || !isPartialWildcard(host.string) || host.string.lastIndexOf('*') > 0) continue;
      yield finding(
        host,
        l10n.t('"{0}" does not work in every proxy: {1}.', host.string, whyNoPlainWildcard(host.string)!),
      );
    }
  },
});
