import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';

/** What is refined is no contradiction: `http-web` with appProtocol kubernetes.io/h2c is HTTP, and more precisely HTTP/2. */
const families: Readonly<Record<string, string>> = {
  ...{ http: 'HTTP', http2: 'HTTP', http_proxy: 'HTTP', grpc: 'HTTP', 'grpc-web': 'HTTP' },
  ...{ 'kubernetes.io/h2c': 'HTTP', 'kubernetes.io/ws': 'HTTP', 'kubernetes.io/wss': 'HTTP' },
  ...{ https: 'TLS', tls: 'TLS', tcp: 'TCP', mongo: 'MongoDB', redis: 'Redis', mysql: 'MySQL' },
};

/** Both tell the protocol, and `appProtocol` wins; who reads the name expects another. */
export const twoProtocols = defineRule({
  id: 'service/two-protocols',
  code: 'ML0210',
  severity: 'info',
  docs: 'https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/#explicit-protocol-selection',
  why: 'The name of a Service port and its appProtocol tell different protocols. Istio follows appProtocol; a port that is named http and treated as TCP has no HTTP routes, retries or metrics.',
  reads: ['Service'],
  scope: 'resource',
  *check({ Service }) {
    for (const { spec, name: service } of Service) {
      for (const port of spec.at('ports').items) {
        const [name, appProtocol] = [port.at('name'), port.at('appProtocol')];
        const named = familyOf(name.string);
        const said = familyOf(appProtocol.string);
        if (!named || !said || named === said || port.at('protocol').string === 'UDP') continue;
        yield finding(
          appProtocol,
          l10n.t(
            'Port "{0}" of Service {1} is {2} by its name and {3} by its appProtocol, which wins. Rename the port, or change appProtocol.',
            name.string!,
            service,
            named,
            said,
          ),
          { related: [{ at: name, message: l10n.t('Tells another protocol') }] },
        );
      }
    }
  },
});

function familyOf(text: string | undefined): string | undefined {
  const word = text?.toLowerCase() ?? '';
  if (word.startsWith('grpc-web')) return families['grpc-web'];
  return families[word] ?? families[word.split('-')[0]!];
}
