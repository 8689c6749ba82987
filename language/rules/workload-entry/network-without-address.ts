import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';

/** Then the gateway of that network is the only way to it. */
export const networkWithoutAddress = defineWarning(['ServiceEntry', 'WorkloadEntry'], {
  id: 'workload-entry/network-without-address',
  why: 'A workload with a network and no address is reached by the gateway of that network alone; Istio warns, for often the address was forgotten.',
  *check({ kind, spec, incomplete }) {
    if (incomplete) return;
    const isStatic = spec.at('resolution').string === 'STATIC';
    const workloads = kind === 'WorkloadEntry' ? [spec] : isStatic ? spec.at('endpoints').items : [];
    for (const workload of workloads) {
      const network = workload.at('network');
      const address = workload.at('address');
      if (!network.string || (address.isSet && address.string !== '')) continue;
      yield finding(
        network,
        l10n.t(
          'There is no "address": this workload is reached by a gateway of network "{0}" alone. Add its address if it has one.',
          network.string,
        ),
      );
    }
  },
});
