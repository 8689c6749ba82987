import * as l10n from '@vscode/l10n';
import { replaceValue } from '../../edits.ts';
import type { QuickFix, TextEdit } from '../../finding.ts';
import type { Located, LocatedEntry } from '../../located.ts';
import { isIstioName } from '../../../mesh/injection/annotation-catalogue.ts';
import { defineRule, finding } from '../../rule.ts';
import { workloads } from './annotated.ts';

export const unquotedCode = 'ML0104';

/** Whatever has metadata; a Pod comes as `AnyPod`. */
const everything = [
  'AnyPod',
  'Namespace',
  'Service',
  'ServiceAccount',
  'ConfigMap',
  'Secret',
  'Node',
  ...workloads,
  'AuthorizationPolicy',
  'DestinationRule',
  'EnvoyFilter',
  'Gateway',
  'K8sGateway',
  'PeerAuthentication',
  'ProxyConfig',
  'RequestAuthentication',
  'ServiceEntry',
  'Sidecar',
  'Telemetry',
  'TrafficExtension',
  'VirtualService',
  'WasmPlugin',
  'WorkloadEntry',
  'WorkloadGroup',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
] as const;

/**
 * Labels and annotations are maps from string to string. YAML makes a boolean of an unquoted `false` (and of `yes` and
 * `on`), a number of `15020`, and the API server refuses the whole object: "cannot unmarshal bool into … of type string".
 */
export const unquotedMetadataValue = defineRule({
  id: 'injection/unquoted-metadata-value',
  code: unquotedCode,
  severity: 'error',
  docs: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/',
  why: 'Values of labels and annotations are strings. Without quotes YAML makes a boolean of true, false, yes, no, on and off and a number of 15020, and the API server refuses the whole object.',
  reads: everything,
  scope: 'resource',
  *check(byKind) {
    for (const kind of everything) {
      if (byKind[kind].length === 0) continue;
      for (const { metadata } of byKind[kind]) {
        for (const carrier of ['labels', 'annotations'] as const) {
          for (const entry of metadata.at(carrier).entries) {
            if (entry.value.type === 'string' || entry.value.type === 'null' || !entry.value.exists) continue;
            // Said by the rule on that label, which knows what to write instead.
            if (
              kind === 'Namespace' &&
              carrier === 'labels' &&
              entry.key.value === 'istio-injection' &&
              entry.value.value !== undefined
            )
              continue;
            yield finding(entry.value, describe(entry, carrier), { fixes: quote(entry) });
          }
        }
      }
    }
  },
});

function describe({ key, value }: LocatedEntry, carrier: 'labels' | 'annotations'): string {
  const what = carrier === 'labels' ? l10n.t('label') : l10n.t('annotation');
  if (value.type === 'map' || value.type === 'list') {
    return l10n.t(
      'The API server refuses this object: the value of the {0} {1} must be one string, not a structure. Write "|" behind the colon to make the lines below a string.',
      what,
      String(key.value),
    );
  }
  const type = value.type === 'boolean' ? l10n.t('a boolean') : l10n.t('a number');
  return l10n.t(
    'The API server refuses this object: the value of the {0} {1} must be a string, and {2} without quotes is {3}.',
    what,
    String(key.value),
    value.text,
    type,
  );
}

function quote({ key, value }: LocatedEntry): QuickFix[] {
  if (value.type === 'map' || value.type === 'list') {
    // A block scalar has to be indented; a list may stand in its key's own column.
    const indented =
      !value.flow &&
      value.source === key.source &&
      value.range.start.line > key.range.start.line &&
      value.range.start.character > key.range.start.character;
    return indented ? [{ title: l10n.t('Make it a text block'), preferred: true, edits: () => insertBar(key) }] : [];
  }
  // Istio compares with "true" and "false"; what YAML means by `no` has to be spelt out for it.
  const text = value.type === 'boolean' && isIstioName(String(key.value)) ? String(value.value) : value.text;
  return [
    {
      title: l10n.t('Put it in quotes: "{0}"', text),
      preferred: true,
      edits: () => replaceValue(value, JSON.stringify(text)),
    },
  ];
}

function insertBar(key: Located): TextEdit[] {
  const colon = key.source.text.indexOf(':', key.end);
  return [{ uri: key.source.uri, range: key.source.range(colon + 1, colon + 1), newText: ' |' }];
}
