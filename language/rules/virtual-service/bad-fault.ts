import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { dropField } from '../drop-field.ts';

const grpcCodes = new Set([
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
]);

/** A fault that is none, or that answers with no status. */
export const badFault = defineRefusal('VirtualService', {
  id: 'virtual-service/bad-fault',
  why: 'A fault aborts or delays; an abort answers with an HTTP status from 200 to 600 or a known gRPC status. Istio refuses the rest.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      const { key, value: fault } = http.entry('fault') ?? {};
      if (!key || fault?.type !== 'map') continue;
      if (!fault.at('abort').isSet && !fault.at('delay').isSet)
        yield finding(key, l10n.t('This fault neither aborts nor delays: Istio refuses it. Add "abort" or "delay".'), {
          fixes: [dropField(http, 'fault')],
        });
      const { status, grpc } = { status: fault.at('abort', 'httpStatus'), grpc: fault.at('abort', 'grpcStatus') };
      if (status.number !== undefined && (status.number < 200 || status.number > 600))
        yield finding(status, l10n.t('{0} is no HTTP status to abort with: Istio takes 200 to 600.', status.text));
      if (grpc.string !== undefined && !grpcCodes.has(grpc.string)) {
        const meant = findNearMiss(grpc.string.toUpperCase(), grpcCodes);
        const hint = meant ? ` ${l10n.t('Did you mean "{0}"?', meant)}` : '';
        yield finding(grpc, l10n.t('"{0}" is no gRPC status: Istio refuses it.', grpc.string) + hint, {
          fixes: meant
            ? [{ title: l10n.t('Change to {0}', meant), preferred: true, edits: () => rename(grpc, meant) }]
            : [],
        });
      }
    }
  },
});
