import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** What waypoints and gateways can take policies for; Istio refuses references to anything else. */
const targets = ['Service', 'ServiceEntry', 'Gateway', 'GatewayClass'];

export const badTargetRef = defineRefusal(
  ['AuthorizationPolicy', 'EnvoyFilter', 'RequestAuthentication', 'Telemetry', 'TrafficExtension', 'WasmPlugin'],
  {
    id: 'common/bad-target-ref',
    why: 'A policy can refer to a Service, a ServiceEntry, a Gateway of the Gateway API or a GatewayClass, and never across namespaces.',
    *check({ spec }) {
      for (const ref of [spec.at('targetRef'), ...spec.at('targetRefs').items]) {
        const namespace = ref.at('namespace');
        const kind = ref.at('kind');
        const group = ref.at('group');
        if (namespace.string) {
          yield finding(
            namespace,
            l10n.t(
              'Istio refuses a "namespace" here: a policy applies in its own namespace only. Remove "{0}".',
              namespace.string,
            ),
          );
        }
        if (kind.string && !targets.includes(kind.string)) {
          yield finding(
            kind,
            l10n.t('A policy cannot refer to a {0}: Istio takes {1}.', kind.string, targets.join(', ')),
          );
        } else if (kind.string === 'Gateway' && group.string === 'networking.istio.io') {
          yield finding(
            group,
            l10n.t(
              'A policy can refer to a Gateway of the Gateway API (group gateway.networking.k8s.io) only. Select the workloads of an Istio Gateway with "selector".',
            ),
          );
        }
      }
    },
  },
);
