import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** How many endpoints there may be follows from how the service is found. */
export const endpointsUnlikeResolution = defineRefusal('ServiceEntry', {
  id: 'service-entry/endpoints-unlike-resolution',
  why: 'With resolution NONE (the default) traffic goes where the client sent it, so there are no endpoints; with DNS_ROUND_ROBIN there is one name to look up, and with DYNAMIC_DNS that of the request. Istio refuses other endpoints.',
  *check({ spec }) {
    const resolution = spec.at('resolution').string ?? 'NONE';
    const endpoints = spec.at('endpoints');
    if (endpoints.type !== 'list') return;
    const count = endpoints.items.length;
    if (resolution === 'NONE')
      yield finding(
        endpoints,
        l10n.t(
          'With resolution NONE (the default) traffic goes to the address that the client chose: Istio refuses "endpoints". Set "resolution" to STATIC or DNS.',
        ),
      );
    if (resolution === 'DNS_ROUND_ROBIN' && count > 1)
      yield finding(
        endpoints,
        l10n.t(
          'With resolution DNS_ROUND_ROBIN there is at most one endpoint, and here are {0}: Istio refuses it. Use DNS.',
          count,
        ),
      );
    if (resolution === 'DYNAMIC_DNS' && count > 0)
      yield finding(
        endpoints,
        l10n.t(
          'With resolution DYNAMIC_DNS the host of each request is looked up: Istio refuses "endpoints". Remove them, or use DNS.',
        ),
      );
  },
});
