import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { appliesToMesh } from './applies-to.ts';

/** For sidecars, `*` would take every request of every workload that sees the VirtualService. */
export const anyHostInMesh = defineRefusal('VirtualService', {
  id: 'virtual-service/any-host-in-mesh',
  why: 'A VirtualService for the sidecars (no gateways, or mesh among them) with host "*" would take every request there is: Istio refuses it.',
  *check({ spec }) {
    if (!appliesToMesh(spec)) return;
    for (const host of spec.at('hosts').items) {
      if (host.string !== '*') continue;
      yield finding(
        host,
        l10n.t(
          'Host "*" is refused for the sidecars, whom this VirtualService is for without a gateway of yours: it would take every request. Name hosts, or name gateways without "mesh".',
        ),
      );
    }
  },
});
