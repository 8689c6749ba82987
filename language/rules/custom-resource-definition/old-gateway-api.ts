import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';

const bundleVersion = 'gateway.networking.k8s.io/bundle-version';

/** From which release of the Gateway API on Istio reads a kind. */
const oldest: Readonly<Record<string, readonly [major: number, minor: number]>> = {
  'grpcroutes.gateway.networking.k8s.io': [1, 1],
  'backendtlspolicies.gateway.networking.k8s.io': [1, 4],
  'tlsroutes.gateway.networking.k8s.io': [1, 5],
  'tcproutes.gateway.networking.k8s.io': [1, 6],
};

/** The control plane asks for a version of the kind that older definitions do not serve, and then ignores the kind. */
export const oldGatewayApi = defineRule({
  id: 'custom-resource-definition/old-gateway-api',
  code: 'IST0176',
  severity: 'warning',
  docs: istioDocs('IST0176'),
  why: 'Istio reads some kinds of the Gateway API from a certain release on: GRPCRoute from 1.1, BackendTLSPolicy from 1.4, TLSRoute from 1.5, TCPRoute from 1.6. With older definitions it ignores resources of that kind.',
  reads: ['CustomResourceDefinition'],
  scope: 'resource',
  *check({ CustomResourceDefinition }) {
    for (const { metadata, name } of CustomResourceDefinition) {
      const wanted = oldest[name];
      const bundle = metadata.at('annotations', bundleVersion);
      const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(bundle.string ?? '') ?? [];
      if (!wanted || major === undefined) continue;
      const [has, least] = [Number(major) * 1000 + Number(minor), wanted[0] * 1000 + wanted[1]];
      if (has >= least) continue;
      yield finding(
        bundle,
        l10n.t(
          '{0} is of Gateway API {1}; Istio reads this kind from {2} on and ignores it here. Install a newer release of the Gateway API.',
          name,
          bundle.string!,
          `v${wanted.join('.')}`,
        ),
      );
    }
  },
});
