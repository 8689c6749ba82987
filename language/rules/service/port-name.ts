import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { findUnnamedPorts } from './named-ports.ts';

/** Without a protocol the proxy waits for the first bytes and guesses: slow for protocols in which the server speaks first. */
export const portName = defineRule({
  id: 'service/port-name',
  code: 'IST0118',
  severity: 'info',
  docs: istioDocs('IST0118'),
  why: 'The protocol of a Service port is what its name begins with (http, grpc-web, tcp-…) or its appProtocol. Where neither tells, the proxy has to guess from the first bytes.',
  reads: ['Service'],
  scope: 'resource',
  *check({ Service }) {
    for (const service of Service) {
      if (service.spec.at('type').string === 'ExternalName') continue;
      for (const { at, name, number } of findUnnamedPorts(service)) {
        const message = name
          ? l10n.t(
              'Port {0} of Service {1} is named "{2}", which tells no protocol: the proxy has to guess it from the traffic. Begin the name with one, such as http-{2} or tcp-{2}, or set appProtocol.',
              number,
              service.name,
              name,
            )
          : l10n.t(
              'Port {0} of Service {1} has no name that tells its protocol: the proxy has to guess it from the traffic. Name it http, grpc, tcp or the like, or set appProtocol.',
              number,
              service.name,
            );
        yield finding(at, message);
      }
    }
  },
});
