import * as l10n from '@vscode/l10n';
import { compareAge } from '../by-age.ts';
import type { Aged } from '../by-age.ts';
import { isSeenBy, readExportScopes } from '../export-scopes.ts';
import type { Scopes } from '../export-scopes.ts';
import { fullHost, hostCovers } from '../hosts.ts';
import type { StepSource } from '../step.ts';
import type { MtlsStep } from './decide-server-mtls.ts';
import type { DestinationRule, SecurityWorld } from './security-objects.ts';

/** Which DestinationRules the clients of a namespace use for a host. */
export interface ClientRules {
  /**
   * Those of one place and one host, the oldest first: Istio merges them. Without a `workloadSelector`, or with one for
   * some clients only. Empty: nobody says anything.
   */
  rules: DestinationRule[];
  steps: MtlsStep[];
}

export interface RuleQuestion {
  /** `reviews.shop.svc.cluster.local` */
  host: string;
  clientNamespace: string;
  serviceNamespace: string;
}

/**
 * Istio looks in three places, the client's namespace, the service's, the root, and takes the first one that has a rule for
 * the host; there the most specific host wins. `exportTo` says who sees a rule from another namespace.
 */
export function findClientRules(
  { host, clientNamespace, serviceNamespace }: RuleQuestion,
  world: SecurityWorld,
): ClientRules {
  const steps: MtlsStep[] = [];
  for (const { place, lists, sees } of placesOf(clientNamespace, serviceNamespace, world)) {
    const here = world.destinationRules.filter(
      (rule) => namespaceOf(rule) === place && hostCovers(hostOf(rule, world), host),
    );
    const listed = here.filter(lists);
    // First the host, then who may see it: a rule for the exact host that is exported to others hides the wildcard's.
    const best = mostSpecific(listed, world);
    const seen = best.filter(sees);
    for (const hidden of here.filter((rule) => !listed.includes(rule) || (best.includes(rule) && !sees(rule))))
      steps.push(hiddenStep(hidden, clientNamespace));
    for (const less of listed.filter((rule) => !best.includes(rule))) steps.push(lessSpecificStep(less, best[0]!));
    if (seen.length === 0) {
      steps.push({ check: 'place', value: place, verdict: 'continue', says: sayNothing(place, host) });
      continue;
    }
    const { used, dropped } = whichCount(seen, clientNamespace, world);
    steps.push(...dropped);
    for (const rule of used) steps.push(usedStep(rule, place, clientNamespace));
    if (used.length === 0) steps.push(noneStep(host));
    return { rules: used, steps };
  }
  steps.push(noneStep(host));
  return { rules: [], steps };
}

interface Place {
  place: string;
  /** Which of the rules there Istio has before it when it looks for the host. */
  lists: (rule: DestinationRule) => boolean;
  /** Which of those that it finds it then takes. */
  sees: (rule: DestinationRule) => boolean;
}

/**
 * Clients see every rule of their own namespace, whatever its `exportTo`. Those in the root namespace see only its private
 * ones first: what it exports is meant for everybody, and does not come before what a service says of itself.
 */
function placesOf(client: string, service: string, world: SecurityWorld): Place[] {
  const { rootNamespace } = world;
  const isPrivate = (rule: DestinationRule) => [...scopesOf(rule, world)].join() === namespaceOf(rule);
  const all = () => true;
  const own = { place: client, lists: client === rootNamespace ? isPrivate : all, sees: all };
  const exported = {
    lists: (rule: DestinationRule) => !isPrivate(rule) && scopesOf(rule, world).size > 0,
    sees: (rule: DestinationRule) => isSeenBy(scopesOf(rule, world), client),
  };
  const others = [service, rootNamespace].filter((place, at, places) => places.indexOf(place) === at);
  return [
    own,
    ...others.filter((place) => place !== client || client === rootNamespace).map((place) => ({ place, ...exported })),
  ];
}

/**
 * Of the rules that were found, those that say something to these clients. One with a `workloadSelector` is for clients
 * of its own namespace only. Rules are merged where they are exported to the same namespaces; of others only one counts,
 * and that is the youngest.
 */
function whichCount(
  rules: readonly DestinationRule[],
  client: string,
  world: SecurityWorld,
): { used: DestinationRule[]; dropped: MtlsStep[] } {
  const dropped: MtlsStep[] = [];
  const ofSome = rules.filter(({ spec }) => spec?.workloadSelector !== undefined);
  const foreign = ofSome.filter((rule) => namespaceOf(rule) !== client);
  for (const rule of foreign) dropped.push(foreignSelectorStep(rule));
  const ofAll = rules.filter((rule) => !ofSome.includes(rule));
  const scope = (rule: DestinationRule | undefined) => (rule ? [...scopesOf(rule, world)].sort().join() : '');
  const counting = scope(ofAll.at(-1));
  const merged = ofAll.filter((rule) => scope(rule) === counting);
  for (const rule of ofAll) if (!merged.includes(rule)) dropped.push(otherScopeStep(rule, merged.at(-1)!));
  return { used: [...merged, ...ofSome.filter((rule) => !foreign.includes(rule))], dropped };
}

/** The host of a rule in full; empty while it has none. */
export function hostOf(rule: DestinationRule, { clusterDomain }: Pick<SecurityWorld, 'clusterDomain'>): string {
  const host = rule.spec?.host;
  return host ? fullHost(host, namespaceOf(rule), clusterDomain) : '';
}

export function ruleName(rule: DestinationRule): string {
  return `${namespaceOf(rule)}/${rule.metadata?.name ?? ''}`;
}

function namespaceOf({ metadata }: DestinationRule): string {
  return metadata?.namespace ?? 'default';
}

function scopesOf(rule: DestinationRule, { settings }: SecurityWorld): Scopes {
  return readExportScopes(
    rule.spec?.exportTo ?? [],
    namespaceOf(rule),
    settings?.defaultExports?.destinationRule ?? [],
  );
}

function mostSpecific(rules: readonly DestinationRule[], world: SecurityWorld): DestinationRule[] {
  // An exact host beats every wildcard; of wildcards the longest says most.
  const rank = (host: string) => (host.startsWith('*') ? host.length : 1_000);
  const ranks = rules.map((rule) => rank(hostOf(rule, world)));
  const best = Math.max(...ranks);
  return rules.filter((_, at) => ranks[at] === best).sort(byAge);
}

function byAge(a: DestinationRule, b: DestinationRule): number {
  return compareAge(agedOf(a), agedOf(b));
}

function agedOf(rule: DestinationRule): Aged {
  const { name = '', creationTimestamp: created } = rule.metadata ?? {};
  return { namespace: namespaceOf(rule), name, ...(created !== undefined && { created }) };
}

// ---- steps ----------------------------------------------------------------------------------------------------------

function sayNothing(place: string, host: string): string {
  return l10n.t('No DestinationRule in namespace {0} that these clients see speaks for {1}.', place, host);
}

function noneStep(host: string): MtlsStep {
  return { check: 'default', verdict: 'decides', says: l10n.t('No DestinationRule speaks for {0}.', host) };
}

function hiddenStep(rule: DestinationRule, client: string): MtlsStep {
  return {
    check: 'export',
    value: (rule.spec?.exportTo ?? []).join(', '),
    verdict: 'continue',
    says: l10n.t('DestinationRule {0} is not exported to namespace {1}.', ruleName(rule), client),
    source: sourceOf(rule, 'spec', 'exportTo'),
  };
}

function foreignSelectorStep(rule: DestinationRule): MtlsStep {
  return {
    check: 'workload-selector',
    verdict: 'continue',
    says: l10n.t(
      'DestinationRule {0} has a workloadSelector: it is for clients of its own namespace only.',
      ruleName(rule),
    ),
    source: sourceOf(rule, 'spec', 'workloadSelector'),
  };
}

function otherScopeStep(rule: DestinationRule, used: DestinationRule): MtlsStep {
  return {
    check: 'merge',
    verdict: 'continue',
    says: l10n.t(
      'DestinationRule {0} is for the same host and exported to other namespaces: it is not merged with {1}, and that one counts.',
      ruleName(rule),
      ruleName(used),
    ),
    source: sourceOf(rule, 'spec', 'exportTo'),
  };
}

function lessSpecificStep(rule: DestinationRule, best: DestinationRule): MtlsStep {
  return {
    check: 'host',
    value: rule.spec?.host ?? '',
    verdict: 'continue',
    says: l10n.t(
      'DestinationRule {0} takes the host as well, but {1} names it more exactly.',
      ruleName(rule),
      ruleName(best),
    ),
    source: sourceOf(rule, 'spec', 'host'),
  };
}

function usedStep(rule: DestinationRule, place: string, client: string): MtlsStep {
  const selector = rule.spec?.workloadSelector?.matchLabels;
  const name = ruleName(rule);
  const says = selector
    ? l10n.t('DestinationRule {0} is used, by clients with the labels {1} only.', name, printLabels(selector))
    : place === client
      ? l10n.t('DestinationRule {0} in the clients’ own namespace is used.', name)
      : l10n.t('DestinationRule {0} is used: namespace {1} has none of its own.', name, client);
  return {
    check: 'rule',
    value: rule.spec?.host ?? '',
    verdict: 'decides',
    says,
    source: sourceOf(rule, 'spec', 'host'),
  };
}

export function printLabels(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

function sourceOf(rule: DestinationRule, ...path: string[]): StepSource {
  return { kind: 'DestinationRule', namespace: namespaceOf(rule), name: rule.metadata?.name ?? '', path };
}
