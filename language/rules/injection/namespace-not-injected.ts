import * as l10n from '@vscode/l10n';
import type { ConfigMap } from '../../../mesh/kubernetes.ts';
import { readInjectorConfig } from '../../../mesh/injection/injector-config.ts';
import { insertEntry } from '../../edits.ts';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { isSystemNamespace } from './system-namespaces.ts';

const injector = 'istio-sidecar-injector';
const injectors = ({ name }: Resource) => (name.startsWith(injector) ? [injector] : []);
const enablesByDefault = (configMaps: readonly Resource[]) =>
  configMaps.some(({ root }) => Boolean(readInjectorConfig(root.toJSON() as ConfigMap)?.namespacesByDefault));

/** A namespace that says nothing about the mesh: its pods are outside, which is fine if it is meant. */
export const namespaceNotInjected = defineRule({
  id: 'injection/namespace-not-injected',
  code: 'IST0102',
  severity: 'info',
  docs: istioDocs('IST0102'),
  why: 'A namespace with neither istio-injection nor istio.io/rev: its pods get no sidecar unless they ask for one by label. Where the injector enables namespaces by default it is told as IST0148 that they do.',
  reads: ['Namespace', 'ConfigMap'],
  subject: ['Namespace'],
  *check({ Namespace, ConfigMap }) {
    const byDefault = lookUp(ConfigMap, injectors, { clusterDomain: '' }).tell(injector, enablesByDefault);
    for (const { metadata, name, root, incomplete } of Namespace) {
      const labels = metadata.at('labels');
      if (incomplete || name === '' || isSystemNamespace(name)) continue;
      if (
        labels.at('istio-injection').exists ||
        labels.at('istio.io/rev').exists ||
        labels.at('istio.io/dataplane-mode').string === 'ambient'
      )
        continue;
      if (byDefault) {
        yield finding(
          metadata.at('name'),
          l10n.t(
            'Namespace {0} has no injection label, and the injector enables namespaces by default: its pods get a sidecar.',
            name,
          ),
          { code: 'IST0148' },
        );
        continue;
      }
      yield finding(
        metadata.at('name'),
        l10n.t(
          'Namespace {0} is not labelled for injection: its pods are outside the mesh. Label it istio-injection=enabled to bring them in, or istio-injection=disabled if that is meant.',
          name,
        ),
        {
          fixes: ['enabled', 'disabled'].map((value) => ({
            title: l10n.t('Add istio-injection: {0}', value),
            edits: () => insertEntry(root, ['metadata', 'labels'], 'istio-injection', value),
          })),
        },
      );
    }
  },
});
