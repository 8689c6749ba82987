import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { megabyte, responseBodies } from './direct-responses.ts';

/** An answer that is none, or one so large that every proxy would carry it in its configuration. */
export const badDirectResponse = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-direct-response',
  why: 'A direct response has a status from 200 to 600, and a body of at most 1 MB: it is part of the configuration that every proxy gets. Istio refuses the rest.',
  *check({ spec }) {
    for (const status of spec.at('http').items.map((http) => http.at('directResponse', 'status'))) {
      if (status.number !== undefined && (status.number < 200 || status.number > 600))
        yield finding(status, l10n.t('{0} is no HTTP status to answer with: Istio takes 200 to 600.', status.text));
    }
    for (const { body, bytes } of responseBodies(spec)) {
      if (bytes > megabyte)
        yield finding(
          body.key ?? body,
          l10n.t(
            'This body is {0} kB long: every proxy would carry it in its configuration, and Istio refuses more than 1 MB. Serve it from a workload.',
            Math.round(bytes / 1024),
          ),
        );
    }
  },
});
