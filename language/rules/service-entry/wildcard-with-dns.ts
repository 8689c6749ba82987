import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** Nobody can ask DNS for a wildcard. */
export const wildcardWithDns = defineRefusal('ServiceEntry', {
  id: 'service-entry/wildcard-with-dns',
  why: 'With resolution DNS and no endpoints the proxy asks DNS for the hosts themselves, and DNS has no answer for a wildcard: Istio refuses it.',
  *check({ spec, incomplete }) {
    const resolution = spec.at('resolution').string ?? '';
    if (resolution !== 'DNS' && resolution !== 'DNS_ROUND_ROBIN') return;
    if (spec.at('endpoints').items.length > 0 || incomplete) return;
    for (const host of spec.at('hosts').items) {
      if (!host.string?.startsWith('*') || host.string === '*') continue;
      yield finding(
        host,
        l10n.t(
          '"{0}" cannot be looked up: with resolution {1} and no endpoints Istio refuses a wildcard. Name hosts, add "endpoints", or use resolution NONE.',
          host.string,
          resolution,
        ),
      );
    }
  },
});
