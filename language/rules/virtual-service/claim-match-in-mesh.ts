import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { namesAGateway } from './applies-to.ts';

/** `@request.auth.claims.group` or `@request.auth.claims[group]`, in any case; anything else is the name of a header. */
const claim = /^@request\.auth\.claims(?:\..+|\[.*\])$/is;

/** Claims are read from a token by gateways alone: in a sidecar such a header never comes. */
export const claimMatchInMesh = defineRefusal('VirtualService', {
  id: 'virtual-service/claim-match-in-mesh',
  why: 'Only gateways route by claims of a token (@request.auth.claims): Istio refuses such a match in a VirtualService for the sidecars.',
  *check({ spec }) {
    if (namesAGateway(spec)) return;
    for (const match of spec.at('http').items.flatMap((http) => http.at('match').items)) {
      for (const { key } of [...match.at('headers').entries, ...match.at('withoutHeaders').entries]) {
        if (!claim.test(String(key.value))) continue;
        yield finding(
          key,
          l10n.t(
            '"{0}" can be matched by gateways only, and this VirtualService is for the sidecars: Istio refuses it. Name the gateway under "gateways".',
            String(key.value),
          ),
        );
      }
    }
  },
});
