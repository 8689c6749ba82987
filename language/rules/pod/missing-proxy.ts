import * as l10n from '@vscode/l10n';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { hasProxy, namespaceLabel } from '../in-mesh.ts';
import { isSystemNamespace } from '../injection/system-namespaces.ts';

const inject = 'sidecar.istio.io/inject';
const byName = ({ name }: Resource) => [name];
const isLabelled = ([namespace]: readonly Resource[]) => namespaceLabel(namespace, 'istio-injection') === 'enabled';

/** Injection happens when a pod is created: one that was there before the label has no proxy until it is made anew. */
export const missingProxy = defineRule({
  id: 'pod/missing-proxy',
  code: 'IST0103',
  severity: 'warning',
  docs: istioDocs('IST0103'),
  why: 'A pod that runs without a proxy in a namespace labelled istio-injection=enabled is outside of the mesh. Of pods as they are in a cluster: one that is still to be created will get its proxy.',
  reads: ['Pod', 'Namespace'],
  subject: ['Pod'],
  *check({ Pod, Namespace }, context) {
    for (const { root, spec, metadata, namespace, name } of Pod) {
      if (!root.at('status').isSet || isSystemNamespace(namespace) || spec.at('hostNetwork').boolean) continue;
      const said = metadata.at('labels', inject).string ?? metadata.at('annotations', inject).string;
      if (said?.toLowerCase() === 'false' || hasProxy(spec)) continue;
      if (!lookUp(Namespace, byName, context).tell(namespace, isLabelled)) continue;
      yield finding(
        metadata.at('name'),
        l10n.t(
          'Pod {0} runs without a proxy although its namespace {1} is injected: it was created before, or injection failed. Create it anew, e.g. by a rollout restart of its workload.',
          name,
          namespace,
        ),
      );
    }
  },
});
