import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { kilobyte, megabyte, responseBodies } from './direct-responses.ts';

/** The body is part of the configuration: what is large here slows every push down. */
export const largeDirectResponse = defineWarning('VirtualService', {
  id: 'virtual-service/large-direct-response',
  why: 'The body of a direct response is part of the configuration that istiod sends to every proxy: Istio warns of more than 100 kB.',
  *check({ spec }) {
    for (const { body, bytes } of responseBodies(spec)) {
      if (bytes <= 100 * kilobyte || bytes > megabyte) continue;
      yield finding(
        body.key ?? body,
        l10n.t(
          'This body is {0} kB long, and istiod sends it to every proxy with each change. Serve it from a workload.',
          Math.round(bytes / 1024),
        ),
      );
    }
  },
});
