import * as l10n from '@vscode/l10n';
import { insertEntry, rename, replaceValue } from '../../edits.ts';
import type { TextEdit } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { lookUp } from '../../lookup.ts';
import type { PodSource, Resource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import { isInMesh, namespaceLabel, namespacesByName } from '../in-mesh.ts';
import { stringAt } from './annotated.ts';
import { findCniSettings } from './injector-settings.ts';

const networks = 'k8s.v1.cni.cncf.io/networks';
const network = 'istio-cni';
/** The CNI chart's own settings. */
const cniConfig = 'istio-cni-config';
const byName = ({ name }: Resource) => (name === cniConfig ? [cniConfig] : []);
const tellChained = (configMaps: readonly Resource[]) =>
  configMaps.map(({ root }) => root.at('data', 'CHAINED_CNI_PLUGIN').string).find((value) => value !== undefined);

/** Chained, the plugin is called for every pod; else Multus calls it for the pods that name it, and for nobody else. */
export const unchainedCniNetwork = defineRule({
  id: 'injection/unchained-cni-network',
  code: 'ML0112',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/setup/additional-setup/cni/',
  why: 'Where Istio’s CNI plugin is not chained (CHAINED_CNI_PLUGIN "false", as on OpenShift), Multus calls it only for pods whose annotation k8s.v1.cni.cncf.io/networks names istio-cni. The injector writes it with pilot.cni.provider=multus; without, the traffic of the pod is not redirected and it bypasses the mesh. Where the plugin is chained, the annotation makes Multus look for a network that is not there.',
  reads: ['AnyPod', 'Namespace', 'ConfigMap'],
  subject: ['AnyPod'],
  *check({ AnyPod, Namespace, ConfigMap }) {
    const chained = lookUp(ConfigMap, byName, { clusterDomain: '' }).tell(cniConfig, tellChained);
    if (chained === undefined) return;
    const namespaces = namespacesByName(Namespace);
    for (const pod of AnyPod) {
      const written = stringAt(pod.metadata, 'annotations', networks);
      const isNamed = written !== undefined && namesNetwork(written.string!);
      if (chained !== 'false') {
        if (isNamed)
          yield finding(
            written,
            l10n.t(
              'Istio\'s CNI plugin is chained here ({0}: CHAINED_CNI_PLUGIN "{1}") and is called for every pod. For this annotation Multus looks for a network "{2}", and {3} does not start where there is none. Remove it.',
              cniConfig,
              chained,
              network,
              pod.name,
            ),
          );
        continue;
      }
      const namespace = namespaces.get(pod.namespace);
      if (isNamed || !isInMesh(pod, namespace) || pod.spec.at('hostNetwork').boolean === true) continue;
      const settings = findCniSettings(ConfigMap, namespaceLabel(namespace, 'istio.io/rev') ?? 'default');
      if (!settings?.cni || settings.cniProvider === 'multus') continue;
      yield finding(
        written ?? placeOf(pod),
        l10n.t(
          "Istio's CNI plugin is not chained here, so Multus has to call it, and {0} does not name it: its traffic is not redirected and bypasses the mesh. Add the annotation {1}: {2}, or install istiod with pilot.cni.provider=multus, which adds it.",
          pod.name,
          networks,
          `default/${network}`,
        ),
        {
          fixes: [{ title: l10n.t('Add {0} to the networks', network), preferred: true, edits: () => addNetwork(pod) }],
        },
      );
    }
  },
});

function placeOf({ resource, template }: PodSource): Located {
  const name = resource.metadata.at('name');
  return name.exists ? name : template;
}

/** Both spellings: `macvlan, default/istio-cni@eth1` and a list in JSON. */
function namesNetwork(value: string): boolean {
  if (!value.trim().startsWith('['))
    return value.split(',').some((name) => name.trim().replace(/^.*\//, '').replace(/@.*$/, '') === network);
  try {
    const list: unknown = JSON.parse(value);
    return Array.isArray(list) && list.some((one) => (one as { name?: unknown } | null)?.name === network);
  } catch {
    // Multus refuses it, which is not ours to say.
    return true;
  }
}

function addNetwork({ template, metadata }: PodSource): TextEdit[] {
  const written = stringAt(metadata, 'annotations', networks);
  const own = `default/${network}`;
  if (!written?.string) return insertEntry(template, ['metadata', 'annotations'], networks, own);
  const value = written.string.trim();
  if (!value.startsWith('[')) return rename(written, `${value}, ${own}`);
  const list = JSON.parse(value) as unknown[];
  return replaceValue(written, JSON.stringify(JSON.stringify([...list, { name: network, namespace: 'default' }])));
}
