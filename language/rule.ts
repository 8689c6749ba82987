import type { Finding, Severity } from './finding.ts';
import type { Kind } from './kinds.ts';
import type { MeshSettings } from './mesh-config.ts';
import type { PodSource, Resource } from './resource.ts';
import type { Structures } from './schema/structure.ts';

export { finding } from './finding.ts';

/** `AnyPod`: Pods, and the templates of everything that makes pods. */
export type Readable = Kind | 'AnyPod';
export type ByKind<Reads extends Readable = Readable> = {
  [K in Reads]: readonly (K extends 'AnyPod' ? PodSource : Resource)[];
};

/** What a rule may know beside the resources. */
export interface RuleContext {
  /** `lenient`: what the files do not define may live elsewhere; a rule then asserts no absence that Istio itself would not. */
  strictness: 'strict' | 'lenient';
  /** `cluster.local` */
  clusterDomain: string;
  /** Policies here apply to the whole mesh: `istio-system`. */
  rootNamespace: string;
  /**
   * Whether *not found* may be said of these kinds. Strict: always. Lenient: only when a live cluster lists every one of them
   * completely and no file that could not be read (Helm template, too large) mentions any.
   */
  knowsAll: (...kinds: Readable[]) => boolean;
  /** The mesh's configuration when it was named apart from the resources (`--meshConfigFile`); a ConfigMap among them is the rules' to read. */
  meshConfig: MeshSettings | undefined;
  /** Whether files that could not be read (Helm templates, too large) mention this kind: then nobody knows what is missing. */
  mayBeHidden: (kind: Kind) => boolean;
  /** What the connected cluster's own CRDs say of Istio's kinds; absent: the built-in release decides. */
  structures?: Structures;
}

/** A rule as the list of rules holds it. */
export interface Rule {
  /** `<kind>/<what is wrong>`: also the names of its file and its fixture. */
  id: string;
  /** Istio's message code where Istio has one for this thing, else our own. */
  code: string;
  severity: Severity;
  /** Where to read more. */
  docs: string;
  /** What triggers it and why it matters: a sentence or two of plain English for docs/rules.md and hovers. */
  why: string;
  reads: readonly Readable[];
  /** `resource`: what it says of one resource depends on nothing else, so an edit reruns it for that one only. */
  scope: 'resource' | 'mesh';
  /**
   * Of a rule with `scope: 'mesh'`: the kinds it says something about, one resource at a time. In these lists it then finds
   * that resource alone, and everything it compares it with is found with `lookUp` (lookup.ts): the rule is asked again only for what changed and
   * for what had looked at it. Without: the rule is handed everything, and all of it again after each change.
   */
  subject?: readonly Readable[];
  check: (byKind: ByKind, context: RuleContext) => Iterable<Finding>;
  /** Of a rule with `scope: 'resource'` that asks for nothing but the resource: the same check, without lists around it. */
  checkOne?: (resource: Resource, context: RuleContext) => Iterable<Finding>;
}

/**
 * Defines a rule. `reads` is a type: the check is handed exactly these kinds, and the server knows which edits make it stale.
 *
 *     export const subsetNotFound = defineRule({
 *       id: 'virtual-service/subset-not-found', code: 'IST0101', severity: 'error',
 *       docs: istioDocs('IST0101'), why: 'Envoy has no cluster for a subset that no DestinationRule defines …',
 *       reads: ['VirtualService', 'DestinationRule'],
 *       *check({ VirtualService, DestinationRule }, context) { … yield finding(value, l10n.t('…')) … },
 *     });
 *
 * With `scope: 'resource'` a rule reads one kind (or several alike) and each resource on its own.
 */
export function defineRule<const Reads extends readonly Readable[]>(
  rule: Omit<Rule, 'reads' | 'check' | 'scope' | 'subject'> & {
    reads: Reads;
    scope?: Rule['scope'];
    subject?: readonly Reads[number][];
    check: (byKind: ByKind<Reads[number]>, context: RuleContext) => Iterable<Finding>;
  },
): Rule {
  return { scope: 'mesh', ...rule };
}

/** Defines a rule that says the same of one resource whatever else there is, of any of these kinds. */
export function defineResourceRule(
  rule: Omit<Rule, 'reads' | 'check' | 'checkOne' | 'scope' | 'subject'> & {
    reads: readonly Kind[];
    check: (resource: Resource, context: RuleContext) => Iterable<Finding>;
  },
): Rule {
  const { reads, check } = rule;
  return {
    ...rule,
    scope: 'resource',
    checkOne: check,
    *check(byKind, context) {
      for (const kind of reads) for (const resource of byKind[kind]) yield* check(resource, context);
    },
  };
}

/** Istio's page on a message code. */
export function istioDocs(code: string): string {
  return `https://istio.io/latest/docs/reference/config/analysis/${code.toLowerCase()}/`;
}
