import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';

/** A headless Service has no address of its own: the proxy needs its ports to make listeners for its pods. */
export const headlessWithoutPorts = defineRule({
  id: 'service/headless-without-ports',
  code: 'ML0209',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/ops/configuration/traffic-management/traffic-routing/#headless-services',
  why: 'Kubernetes takes a headless Service without ports; Istio makes nothing of it: no listener and no route, so calls to its pods are unknown traffic to the proxy, without mutual TLS, telemetry by name or policies.',
  reads: ['Service'],
  scope: 'resource',
  *check({ Service }) {
    for (const { spec, name, incomplete } of Service) {
      const address = spec.at('clusterIP');
      if (incomplete || address.string !== 'None' || spec.at('type').string === 'ExternalName') continue;
      if (spec.at('ports').items.length > 0) continue;
      yield finding(
        address,
        l10n.t(
          'Headless Service {0} has no ports: Istio makes nothing of it, and calls to its pods are unknown traffic to the proxies. Add its ports, with names that tell their protocol.',
          name,
        ),
      );
    }
  },
});
