import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel } from '../values/hosts.ts';
import { isWrongPort } from '../values/ports.ts';
import { findProtocolFault } from '../values/protocols.ts';

/** Ports are told apart by name and by number. */
export const badPort = defineRefusal('ServiceEntry', {
  id: 'service-entry/bad-port',
  why: 'A port of a ServiceEntry has a DNS label for its name, a number of its own from 1 to 65535, and a protocol that Istio knows or none; Istio refuses the rest.',
  *check({ spec }) {
    const seen = new Map<number, Located>();
    for (const port of spec.at('ports').items) {
      const { name, number, protocol, target } = {
        name: port.at('name'),
        number: port.at('number'),
        protocol: port.at('protocol'),
        target: port.at('targetPort'),
      };
      if (name.string !== undefined && !isDnsLabel(name.string))
        yield finding(
          name,
          l10n.t(
            '"{0}" cannot be the name of a port: letters, digits and "-" may be in it, at most 63. Istio refuses it.',
            name.string,
          ),
        );
      for (const value of [number, target]) {
        if (isWrongPort(value.number))
          yield finding(value, l10n.t('{0} is no port: Istio takes 1 to 65535.', value.text));
      }
      yield* findProtocolFault(protocol);
      const first = number.number === undefined ? undefined : seen.get(number.number);
      if (first)
        yield finding(number, l10n.t('Port {0} is here twice: Istio refuses it. Remove one.', number.text), {
          related: [{ at: first, message: l10n.t('First defined here') }],
        });
      else if (number.number !== undefined) seen.set(number.number, number);
    }
  },
});
