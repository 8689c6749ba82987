import * as l10n from '@vscode/l10n';
import type { Located } from '../../located.ts';
import { defineRule, finding } from '../../rule.ts';
import { stringAt } from './annotated.ts';
import { annotationDocs } from './docs.ts';
import { partOfValue } from './part-of-value.ts';

/**
 * The rules of excluded inbound ports are only written while everything is included (`*`). With a list, a port that
 * stands in both is intercepted.
 */
export const includedAndExcludedPort = defineRule({
  id: 'injection/included-and-excluded-port',
  code: 'ML0108',
  severity: 'warning',
  docs: annotationDocs,
  why: 'With a list in traffic.sidecar.istio.io/includeInboundPorts the annotation excludeInboundPorts writes no rule at all: a port that stands in both is intercepted.',
  reads: ['AnyPod'],
  scope: 'resource',
  *check({ AnyPod }) {
    for (const { metadata } of AnyPod) {
      const include = stringAt(metadata, 'annotations', 'traffic.sidecar.istio.io/includeInboundPorts');
      const exclude = stringAt(metadata, 'annotations', 'traffic.sidecar.istio.io/excludeInboundPorts');
      if (!include || !exclude) continue;
      const included = new Set(ports(include).map(({ port }) => port));
      for (const { port, start, end } of ports(exclude)) {
        if (!included.has(port)) continue;
        yield finding(
          partOfValue(exclude, start, end),
          l10n.t(
            'Port {0} is included as well, and the list of included ports wins: it is intercepted. Exclusions count only while includeInboundPorts is "*".',
            port,
          ),
          {
            related: [{ at: include, message: l10n.t('Included here') }],
          },
        );
      }
    }
  },
});

function ports(list: Located): { port: string; start: number; end: number }[] {
  return [...list.string!.matchAll(/\d+/g)].map((match) => ({
    port: String(Number(match[0])),
    start: match.index,
    end: match.index + match[0].length,
  }));
}
