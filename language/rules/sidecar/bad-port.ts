import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { dropField } from '../drop-field.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel, isIpAddress } from '../values/hosts.ts';
import { isUnixAddress, isUnixSocket, isWrongPort } from '../values/ports.ts';
import { findProtocolFault } from '../values/protocols.ts';

/** Where a listener of the sidecar listens, and what it reads there. */
export const badPort = defineRefusal('Sidecar', {
  id: 'sidecar/bad-port',
  why: 'A port of a Sidecar has a number from 1 to 65535, a protocol that Istio knows or none, and is bound to an IP address; an egress without number is bound to a unix socket, which nothing captures. Istio refuses the rest.',
  *check({ spec, incomplete }) {
    for (const listener of spec.at('ingress').items) yield* findNumberFaults(listener, incomplete);
    for (const listener of spec.at('egress').items) {
      const port = listener.at('port');
      if (port.type !== 'map') continue;
      const number = port.at('number');
      if (number.isSet ? number.number === 0 : !incomplete) yield* findSocketFaults(listener, incomplete);
      else yield* findNumberFaults(listener, incomplete);
    }
    for (const listener of [...spec.at('ingress').items, ...spec.at('egress').items])
      yield* findPortFaults(listener.at('port'));
  },
});

function* findNumberFaults(listener: Located, incomplete: boolean): Iterable<Finding> {
  const port = listener.at('port');
  const number = port.at('number');
  const bind = listener.at('bind');
  if (isWrongPort(number.number)) yield finding(number, l10n.t('{0} is no port: Istio takes 1 to 65535.', number.text));
  else if (port.type === 'map' && !number.isSet && !incomplete)
    yield finding(port, l10n.t('This port needs a "number": Istio refuses it without.'));
  if (bind.string && !isIpAddress(bind.string))
    yield finding(
      bind,
      isUnixAddress(bind.string)
        ? l10n.t(
            'Only an egress whose port has number 0 can be bound to a unix socket: Istio refuses "{0}" here.',
            bind.string,
          )
        : l10n.t('"{0}" is nothing to bind to: Istio takes an IP address.', bind.string),
    );
}

function* findSocketFaults(listener: Located, incomplete: boolean): Iterable<Finding> {
  const bind = listener.at('bind');
  const number = listener.at('port', 'number');
  if (!bind.string && incomplete) return;
  if (!isUnixAddress(bind.string ?? ''))
    yield finding(
      bind.string ? bind : number.isSet ? number : listener.at('port'),
      l10n.t(
        'A port without number needs a unix socket in "bind": Istio refuses it. Give the port a number, or bind to unix:// with an absolute path.',
      ),
    );
  else if (!isUnixSocket(bind.string!))
    yield finding(
      bind,
      l10n.t(
        '"{0}" is no unix socket: behind unix:// stands an absolute path of a file, or "@" with a name.',
        bind.string!,
      ),
    );
  const capture = listener.at('captureMode');
  if (capture.string === 'IPTABLES')
    yield finding(
      capture,
      l10n.t('iptables captures no unix socket: Istio refuses captureMode IPTABLES here. Use NONE, or remove it.'),
    );
}

function* findPortFaults(port: Located): Iterable<Finding> {
  const name = port.at('name');
  if (name.string && !isDnsLabel(name.string))
    yield finding(
      name,
      l10n.t(
        '"{0}" cannot be the name of a port: letters, digits and "-" may be in it, at most 63. Istio refuses it.',
        name.string,
      ),
    );
  yield* findProtocolFault(port.at('protocol'));
  const target = port.entry('targetPort');
  if (target?.value.number)
    yield finding(
      target.key,
      l10n.t('A port of a Sidecar has no "targetPort": Istio refuses it. Use "defaultEndpoint".'),
      {
        fixes: [dropField(port, 'targetPort')],
      },
    );
}
