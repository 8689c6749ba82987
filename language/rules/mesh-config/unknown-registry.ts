import * as l10n from '@vscode/l10n';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { meshConfigMaps } from '../mesh-config-map.ts';

const builtIn = ['Mock', 'Kubernetes', 'External'];
const remoteClusters = ({ metadata }: Resource) =>
  metadata.at('labels', 'istio/multiCluster').string === 'true' ? [''] : [];

/** A network is that of the clusters it names: one that nobody knows has no endpoints in it. */
export const unknownRegistry = defineRule({
  id: 'mesh-config/unknown-registry',
  code: 'IST0126',
  severity: 'error',
  docs: istioDocs('IST0126'),
  why: 'fromRegistry of a mesh network is Kubernetes, External, Mock (in just this case) or the name of a cluster that a Secret labelled istio/multiCluster: "true" gives access to. Reported in strict mode and with a cluster, as such Secrets are seldom among the files.',
  reads: ['ConfigMap', 'Secret'],
  *check({ ConfigMap, Secret }, context) {
    if (!context.knowsAll('Secret')) return;
    for (const { configMap, settings } of meshConfigMaps(ConfigMap, context)) {
      for (const { name, fromRegistries } of settings.networks ?? []) {
        for (const registry of fromRegistries) {
          if (builtIn.includes(registry) || isRemote(registry)) continue;
          const written = configMap.root.at('data', 'meshNetworks');
          yield finding(
            written.isSet ? written : configMap.root.at('data', 'mesh'),
            l10n.t(
              'Network {0} takes its endpoints from registry "{1}", which is none of {2} and no cluster of an istio/multiCluster Secret: it has no endpoints.',
              name,
              registry,
              builtIn.join(', '),
            ),
          );
        }
      }
    }

    function isRemote(cluster: string): boolean {
      return lookUp(Secret, remoteClusters, context)
        .get('')
        .some(({ root }) => root.at('data', cluster).exists || root.at('stringData', cluster).exists);
    }
  },
});
