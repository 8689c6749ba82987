import * as l10n from '@vscode/l10n';
import { misspeltProxyFields } from '../../../mesh/injection/proxy-config.ts';
import { Located } from '../../located.ts';
import { defineRule, finding } from '../../rule.ts';
import { stringAt } from './annotated.ts';
import { parseAnnotationYaml } from './annotation-yaml.ts';

const name = 'proxy.istio.io/config';

/** The injector reads the ProxyConfig without its unknown fields: the setting is silently the mesh's. */
export const unknownProxyConfigField = defineRule({
  id: 'injection/unknown-proxy-config-field',
  code: 'ML0110',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig',
  why: 'A field that ProxyConfig does not have is dropped when the injector reads the annotation proxy.istio.io/config, without an error or a log line: the proxy runs with what the mesh says instead.',
  reads: ['AnyPod'],
  scope: 'resource',
  *check({ AnyPod }) {
    for (const { metadata } of AnyPod) {
      const value = stringAt(metadata, 'annotations', name);
      if (!value) continue;
      for (const { field, meant } of misspeltProxyFields(fieldsOf(value.string!))) {
        const at = placeOf(field, value);
        const message = l10n.t(
          'ProxyConfig has no field "{0}": the injector drops it without a word. Did you mean "{1}"?',
          field,
          meant,
        );
        // The place is asked for when the fix is: until then, lines may come and go above it.
        const edits = () => [{ uri: at.source.uri, range: at.mark, newText: meant }];
        const fixes = at === value ? [] : [{ title: l10n.t('Change to {0}', meant), preferred: true, edits }];
        yield finding(at, message, { fixes });
      }
    }
  },
});

/** What is no YAML, or no map, is told elsewhere. */
function fieldsOf(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = parseAnnotationYaml(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : {};
  } catch {
    return {};
  }
}

/** The field's name as it stands in the file, in a block or in quotes; the whole value where that cannot be told. */
function placeOf(field: string, value: Located): Located {
  const escaped = field.replace(/[\\^$.|+()[\]{}*?]/g, '\\$&');
  const found = [...value.text.matchAll(new RegExp(`(?<![\\w-])${escaped}(?=\\\\?["']?\\s*:)`, 'g'))];
  if (found.length !== 1) return value;
  const start = value.start + found[0]!.index;
  return new Located({ source: value.source, type: 'string', value: field, start, end: start + field.length });
}
