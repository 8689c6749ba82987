import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { whyNoWildcardHost, isIpAddress } from '../values/hosts.ts';

/** The host must be one that a client can ask for. */
export const badHost = defineRefusal('DestinationRule', {
  id: 'destination-rule/bad-host',
  why: 'The host of a DestinationRule is the name of a service, which may begin with a wildcard; Istio refuses anything else.',
  *check({ spec }) {
    const host = spec.at('host');
    if (host.string === undefined) return;
    const reason = isIpAddress(host.string) ? addressReason() : whyNoWildcardHost(host.string);
    if (reason) yield finding(host, l10n.t('"{0}" is no host: {1}. Istio refuses it.', host.string, reason));
  },
});

function addressReason(): string {
  return l10n.t('an address is not asked for by name, but a ServiceEntry can give it one');
}
