import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel, whyNoWildcardHost, isIpAddress } from '../values/hosts.ts';
import { isWrongPort } from '../values/ports.ts';
import { destinationValues } from './destinations.ts';

/** Where traffic goes must be a service: a name, a subset that can be one, and a port that exists in TCP. */
export const badDestination = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-destination',
  why: 'A destination has the name of a service, a subset that is a DNS label and a port from 1 to 65535; Istio refuses anything else.',
  *check({ spec }) {
    for (const destination of destinationValues(spec)) {
      const [host, subset, port] = [destination.at('host'), destination.at('subset'), destination.at('port')];
      const reason = host.string === undefined ? undefined : whyNoDestination(host.string);
      if (reason) yield finding(host, l10n.t('"{0}" is no destination: {1}. Istio refuses it.', host.string!, reason));
      if (subset.string && !isDnsLabel(subset.string))
        yield finding(
          subset,
          l10n.t(
            '"{0}" cannot be a subset: letters, digits and "-" may be in its name, at most 63. Istio refuses it.',
            subset.string,
          ),
        );
      const number = port.at('number');
      if (port.type === 'map' && (!number.isSet || isWrongPort(number.number)))
        yield finding(
          number.isSet ? number : port,
          number.isSet
            ? l10n.t('{0} is no port: Istio takes 1 to 65535.', number.text)
            : l10n.t('This port has no number, and Istio refuses 0. Add "number", or remove "port".'),
        );
    }
  },
});

function whyNoDestination(host: string): string | undefined {
  if (host === '*') return l10n.t('traffic must go to somebody');
  if (isIpAddress(host)) return l10n.t('an address is not asked for by name, but a ServiceEntry can give it one');
  return whyNoWildcardHost(host);
}
