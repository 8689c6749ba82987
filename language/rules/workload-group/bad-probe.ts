import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isWrongPort } from '../values/ports.ts';

const methods = ['httpGet', 'tcpSocket', 'exec', 'grpc'];

/** How the agent on the machine finds out whether the workload is ready. */
export const badProbe = defineRefusal('WorkloadGroup', {
  id: 'workload-group/bad-probe',
  why: 'A probe has one of httpGet, tcpSocket, grpc (each with a port from 1 to 65535) and exec (with a command), and httpGet.scheme is HTTP or HTTPS. Istio refuses the rest.',
  *check({ spec, incomplete }) {
    const probe = spec.at('probe');
    if (probe.type !== 'map') return;
    if (!incomplete && !methods.some((method) => probe.at(method).isSet))
      yield finding(
        probe.key ?? probe,
        l10n.t('This probe does not say how to probe: Istio refuses it. Add one of {0}.', methods.join(', ')),
      );
    for (const method of ['httpGet', 'tcpSocket', 'grpc']) yield* findPortFault(probe.at(method), method, incomplete);
    yield* findSchemeFault(probe.at('httpGet', 'scheme'));
    const command = probe.at('exec', 'command');
    if (command.type === 'list' && command.items.length === 0)
      yield finding(command, l10n.t('There is nothing to run: Istio refuses an empty "command".'));
  },
});

function* findPortFault(method: Located, name: string, incomplete: boolean): Iterable<Finding> {
  const port = method.at('port');
  if (isWrongPort(port.number)) yield finding(port, l10n.t('{0} is no port: Istio takes 1 to 65535.', port.text));
  // Of the other two the structure says so.
  if (name === 'grpc' && method.type === 'map' && !port.isSet && !incomplete)
    yield finding(method.key ?? method, l10n.t('"grpc" needs a "port": Istio refuses it without.'));
}

function* findSchemeFault(scheme: Located): Iterable<Finding> {
  if (!scheme.string || ['HTTP', 'HTTPS'].includes(scheme.string)) return;
  const meant = scheme.string.toUpperCase();
  const fixes = ['HTTP', 'HTTPS'].includes(meant)
    ? [{ title: l10n.t('Change to {0}', meant), preferred: true, edits: () => rename(scheme, meant) }]
    : [];
  yield finding(scheme, l10n.t('"{0}" is no scheme of a probe: Istio takes HTTP or HTTPS.', scheme.string), { fixes });
}
