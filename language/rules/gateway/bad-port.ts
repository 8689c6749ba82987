import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { dropField } from '../drop-field.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isIpAddress } from '../values/hosts.ts';
import { isUnixAddress, isUnixSocket, isWrongPort } from '../values/ports.ts';
import { findProtocolFault } from '../values/protocols.ts';

/** Where a server listens, and what it reads there. */
export const badPort = defineRefusal('Gateway', {
  id: 'gateway/bad-port',
  why: 'A port of a Gateway has a number from 1 to 65535 (none with a unix socket), a name, and a protocol that Istio knows; targetPort has no meaning here. Istio refuses the rest.',
  *check({ spec }) {
    for (const server of spec.at('servers').items) {
      const { port, bind } = { port: server.at('port'), bind: server.at('bind') };
      const { number, name, protocol } = {
        number: port.at('number'),
        name: port.at('name'),
        protocol: port.at('protocol'),
      };
      const isSocket = isUnixAddress(bind.string ?? '');
      if (isWrongPort(number.number) && !(isSocket && number.number === 0))
        yield finding(number, l10n.t('{0} is no port: Istio takes 1 to 65535.', number.text));
      if (isSocket && number.number)
        yield finding(
          number,
          l10n.t('A unix socket has no port: Istio refuses {0} beside "bind". Use 0.', number.text),
        );
      if (name.string === '') yield finding(name, l10n.t('The port needs a name: Istio refuses an empty one.'));
      if (protocol.string === '')
        yield finding(protocol, l10n.t('The port needs a protocol: Istio refuses an empty one.'));
      yield* findProtocolFault(protocol);
      const target = port.entry('targetPort');
      if (target?.value.number)
        yield finding(
          target.key,
          l10n.t(
            'A port of a Gateway has no "targetPort": Istio refuses it. Remove it; the gateway\'s Service maps ports.',
          ),
          { fixes: [dropField(port, 'targetPort')] },
        );
      if (bind.string && !isIpAddress(bind.string) && !isUnixSocket(bind.string))
        yield finding(
          bind,
          l10n.t(
            '"{0}" is nothing to bind to: Istio takes an IP address or unix:// with an absolute path.',
            bind.string,
          ),
        );
    }
  },
});
