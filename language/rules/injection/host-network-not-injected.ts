import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';
import { stringAt } from './annotated.ts';
import { sidecarInjectionDocs } from './docs.ts';

/** On the host's network the redirection would take the traffic of the whole node: the injector passes over such pods. */
export const hostNetworkNotInjected = defineRule({
  id: 'injection/host-network-not-injected',
  code: 'ML0106',
  severity: 'warning',
  docs: sidecarInjectionDocs,
  why: 'A pod with hostNetwork: true is never injected, because redirecting its traffic would redirect the whole node\'s. sidecar.istio.io/inject: "true" does not change that.',
  reads: ['AnyPod'],
  scope: 'resource',
  *check({ AnyPod }) {
    for (const { metadata, spec, name } of AnyPod) {
      const hostNetwork = spec.at('hostNetwork');
      const asked =
        stringAt(metadata, 'labels', 'sidecar.istio.io/inject') ??
        stringAt(metadata, 'annotations', 'sidecar.istio.io/inject');
      if (hostNetwork.boolean !== true || asked?.string !== 'true') continue;
      yield finding(
        asked,
        l10n.t(
          "{0} asks for a sidecar and will not get one: pods with hostNetwork: true are never injected, since redirecting their traffic would redirect the whole node's.",
          name,
        ),
        {
          related: [{ at: hostNetwork, message: l10n.t("It uses the host's network") }],
        },
      );
    }
  },
});
