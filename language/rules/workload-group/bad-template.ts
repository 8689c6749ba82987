import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { findPortFaults, whyNoSocket } from '../values/endpoints.ts';

/** What every WorkloadEntry of the group begins with. */
export const badTemplate = defineRefusal('WorkloadGroup', {
  id: 'workload-group/bad-template',
  why: 'The ports of a template are numbers from 1 to 65535 by the name of a port, which is a DNS label; a unix socket has none and is a file. The API server refuses the rest.',
  *check({ spec }) {
    const template = spec.at('template');
    yield* findPortFaults(template);
    const address = template.at('address');
    const reason = whyNoSocket(address.string ?? '');
    if (reason)
      yield finding(
        address,
        l10n.t('"{0}" is no address of a workload: {1}. Istio refuses it.', address.string!, reason),
      );
  },
});
