import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { filterMatch, isOfListener } from './patches.ts';

const connectionManagers = ['envoy.filters.network.http_connection_manager', 'envoy.http_connection_manager'];

/** Filters are found by name, HTTP filters inside the connection manager. */
export const badFilterMatch = defineRefusal('EnvoyFilter', {
  id: 'envoy-filter/bad-filter-match',
  why: 'A filter is matched by its name; a subFilter, too, which is an HTTP filter inside envoy.filters.network.http_connection_manager and goes with applyTo HTTP_FILTER only. Istio refuses the rest.',
  *check({ spec, incomplete }) {
    for (const entry of spec.at('configPatches').items) {
      const applyTo = entry.at('applyTo').string ?? '';
      if (isOfListener(applyTo)) yield* findFault(filterMatch(entry), applyTo, incomplete);
    }
  },
});

function* findFault(filter: Located, applyTo: string, incomplete: boolean): Iterable<Finding> {
  if (filter.type !== 'map') return;
  const { name, inner } = { name: filter.at('name'), inner: filter.at('subFilter') };
  if (!name.string) {
    if (!incomplete)
      yield finding(filter.key ?? filter, l10n.t('A filter is matched by its "name": Istio refuses it without.'));
    return;
  }
  if (inner.type !== 'map') return;
  const key = inner.key ?? inner;
  if (applyTo !== 'HTTP_FILTER')
    yield finding(key, l10n.t('"subFilter" goes with applyTo HTTP_FILTER only: Istio refuses it for {0}.', applyTo));
  else if (!connectionManagers.includes(name.string))
    yield finding(
      name,
      l10n.t(
        'HTTP filters are inside "{0}", not "{1}": Istio refuses "subFilter" here.',
        connectionManagers[0]!,
        name.string,
      ),
    );
  else if (!inner.at('name').string && !incomplete)
    yield finding(key, l10n.t('A filter is matched by its "name": Istio refuses it without.'));
}
