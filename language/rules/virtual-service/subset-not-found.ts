import * as l10n from '@vscode/l10n';
import { appendItem, quoteIfNeeded, rename } from '../../edits.ts';
import type { QuickFix } from '../../finding.ts';
import { fullHost, hostCovers } from '../../hosts.ts';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { lookUp } from '../../lookup.ts';
import type { Lookup } from '../../lookup.ts';
import { rememberPerResource } from '../../remember.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import type { RuleContext } from '../../rule.ts';
import type { Resource } from '../../resource.ts';
import { destinations } from './destinations.ts';

/**
 * Envoy has no cluster for a subset that no DestinationRule defines: every request on that route ends in 503, and the
 * VirtualService alone does not show why.
 */
export const subsetNotFound = defineRule({
  id: 'virtual-service/subset-not-found',
  code: 'IST0101',
  severity: 'error',
  docs: istioDocs('IST0101'),
  why: 'Envoy has no cluster for a subset that no DestinationRule defines: every request on that route ends in 503.',
  reads: ['VirtualService', 'DestinationRule'],
  subject: ['VirtualService'],
  *check({ VirtualService, DestinationRule }, context) {
    const known = new SubsetsByHost(DestinationRule, context);
    for (const { virtualService, destination, host, fullHost: full, isMirror } of destinations(
      VirtualService,
      context,
    )) {
      const subset = destination.entry('subset')?.value;
      if (!subset?.string) continue;
      const rules = known.of(full);
      if (rules.some(({ subsets, incomplete }) => incomplete || subsets.includes(subset.string!))) continue;
      const names = new Set(rules.flatMap(({ subsets }) => subsets));
      if (rules.length === 0 && mayLiveElsewhere(full, virtualService, context)) continue;
      const meant = findNearMiss(subset.string, names);
      yield finding(subset, message(host.string!, subset.string, [...names], meant), {
        refType: isMirror ? 'mirror+subset in destinationrule' : 'host+subset in destinationrule',
        related: rules.map(({ resource }) => ({
          at: resource.spec.at('host'),
          message: l10n.t('The DestinationRule for this host'),
        })),
        fixes: [
          ...[...names].slice(0, 5).map((name) => ({
            title: l10n.t('Change to subset "{0}"', name),
            preferred: name === meant,
            edits: () => rename(subset, name),
          })),
          ...rules.slice(0, 1).flatMap(({ resource }) => addSubset(resource, subset.string!)),
        ],
      });
    }
  },
});

function message(host: string, subset: string, names: string[], meant: string | undefined): string {
  if (names.length === 0) {
    return l10n.t(
      'No DestinationRule defines subset "{0}" of {1}: requests on this route fail with 503. Define it, or route without a subset.',
      subset,
      host,
    );
  }
  const hint = meant ? ` ${l10n.t('Did you mean "{0}"?', meant)}` : '';
  return (
    l10n.t(
      'No DestinationRule for {0} defines subset "{1}"; it has {2}. Requests on this route fail with 503.',
      host,
      subset,
      names.join(', '),
    ) + hint
  );
}

/** Offered where the labels are certain: all other subsets have one label, and its value is the subset's name. */
function addSubset({ spec, name }: Resource, subset: string): QuickFix[] {
  const subsets = spec.at('subsets');
  const keys = new Set(
    subsets.items.map((item) => {
      const [label, ...more] = item.at('labels').entries;
      return more.length === 0 && label?.value.string === item.at('name').string ? String(label?.key.value) : '';
    }),
  );
  const [key, ...others] = keys;
  if (!key || others.length > 0) return [];
  const [value, label] = [quoteIfNeeded(subset), quoteIfNeeded(key)];
  const lines = [`name: ${value}`, 'labels:', `  ${label}: ${value}`];
  return [
    {
      title: l10n.t('Add subset "{0}" to DestinationRule {1}', subset, name),
      edits: () => appendItem(subsets, `{ name: ${value}, labels: { ${label}: ${value} } }`, lines),
    },
  ];
}

/** A DestinationRule stands with the client, the service or the mesh's root: of another namespace's service we may not see it. */
function mayLiveElsewhere(host: string, { namespace }: Resource, context: RuleContext): boolean {
  if (context.knowsAll('DestinationRule')) return false;
  return context.mayBeHidden('DestinationRule') || !host.endsWith(`.${namespace}.svc.${context.clusterDomain}`);
}

interface KnownRule {
  resource: Resource;
  host: string;
  subsets: string[];
  incomplete: boolean;
}

const knownRule = rememberPerResource((resource, clusterDomain): KnownRule => {
  const { spec, namespace, incomplete } = resource;
  const host = fullHost(spec.at('host').string ?? '', namespace, clusterDomain);
  const subsets = spec.at('subsets').items.flatMap((subset) => subset.at('name').string ?? []);
  return { resource, host, subsets, incomplete };
});

const wildcard = '*';
const hostKeys = (resource: Resource, clusterDomain: string) => {
  const { host } = knownRule(resource, clusterDomain);
  return [host.startsWith('*') ? wildcard : host];
};

class SubsetsByHost {
  private readonly byHost: Lookup<Resource>;
  private readonly clusterDomain: string;

  constructor(destinationRules: readonly Resource[], { clusterDomain }: RuleContext) {
    this.byHost = lookUp(destinationRules, hostKeys, { clusterDomain });
    this.clusterDomain = clusterDomain;
  }

  /** The rules that may speak for a host; a wildcard's subsets exist for every host it takes. */
  of(host: string): KnownRule[] {
    const all = [...this.byHost.get(host), ...this.byHost.get(wildcard)];
    return all.map((rule) => knownRule(rule, this.clusterDomain)).filter((rule) => hostCovers(rule.host, host));
  }
}
