import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { labelsOf, PodIndex } from '../pods.ts';

const gatewayName = 'gateway.networking.k8s.io/gateway-name';

/** Proxies made for a Gateway of the Gateway API are addressed by that Gateway. */
export const ineffectiveOnGateway = defineRule({
  id: 'selector/ineffective-on-gateway',
  code: 'IST0166',
  severity: 'warning',
  docs: istioDocs('IST0166'),
  why: 'Policies with a selector do not apply to the proxies that Istio runs for a Gateway of the Gateway API: those are addressed with targetRefs.',
  reads: ['AuthorizationPolicy', 'RequestAuthentication', 'Telemetry', 'WasmPlugin', 'AnyPod'],
  subject: ['AuthorizationPolicy', 'RequestAuthentication', 'Telemetry', 'WasmPlugin'],
  *check({ AuthorizationPolicy, RequestAuthentication, Telemetry, WasmPlugin, AnyPod }, { rootNamespace }) {
    const pods = new PodIndex(AnyPod);
    for (const { spec, kind, namespace } of [
      ...AuthorizationPolicy,
      ...RequestAuthentication,
      ...Telemetry,
      ...WasmPlugin,
    ]) {
      const labels = spec.at('selector', 'matchLabels');
      if (labels.entries.length === 0 || ['targetRef', 'targetRefs'].some((field) => spec.at(field).isSet)) continue;
      const selected = pods.matching(labels.strings, namespace === rootNamespace ? undefined : namespace);
      const proxy = selected.find((pod) => labelsOf(pod)[gatewayName]);
      if (!proxy) continue;
      yield finding(
        labels,
        l10n.t(
          '{0} is a proxy of Gateway {1}, and a selector does not reach it: this {2} is without effect there. Use targetRefs with kind Gateway.',
          proxy.name,
          labelsOf(proxy)[gatewayName]!,
          kind,
        ),
      );
    }
  },
});
