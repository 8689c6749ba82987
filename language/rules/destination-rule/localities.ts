/**
 * Localities as Istio compares them: `region/zone/subzone`, where a shorter one takes in all that is below it, and so does a
 * `*` at the end.
 */

/** What is wrong with the form of a locality: an empty part, or a wildcard before its end. */
export function localityFault(locality: string): 'empty' | 'wildcard' | undefined {
  if (locality.slice(0, -1).includes('*')) return 'wildcard';
  return partsOf(locality).includes('') ? 'empty' : undefined;
}

/** The localities of one list, each asked about before the next: thousands are not compared with each other. */
export class KnownLocalities<Place> {
  private all: Place | undefined;
  private first: Place | undefined;
  /** By what they take in: `a`, `a/*` and all below it under `a`. */
  private readonly taken = new Map<string, Place>();
  /** By what they lie in: `a/b/c` under `a` and `a/b`. */
  private readonly within = new Map<string, Place>();

  add(locality: string, place: Place): void {
    const parts = partsOf(locality);
    this.first ??= place;
    if (parts[0] === '*') this.all ??= place;
    const path = withoutWildcard(parts).join('/');
    if (!this.taken.has(path)) this.taken.set(path, place);
    for (const outer of pathsOf(parts.slice(0, 2))) if (!this.within.has(outer)) this.within.set(outer, place);
  }

  /**
   * An earlier locality that Istio refuses this one beside. It looks at a list in its order and overlooks a wildcard that
   * follows what it takes in; with `inAnyOrder` that counts, too.
   */
  findOverlap(locality: string, { inAnyOrder }: { inAnyOrder: boolean }): Place | undefined {
    const parts = partsOf(locality);
    const outer = pathsOf(parts).find((path) => this.taken.has(path));
    if (this.all !== undefined) return this.all;
    if (outer !== undefined) return this.taken.get(outer);
    if (inAnyOrder && parts[0] === '*') return this.first;
    return this.within.get((inAnyOrder ? withoutWildcard(parts) : parts).join('/'));
  }
}

function withoutWildcard(parts: string[]): string[] {
  return parts.at(-1) === '*' ? parts.slice(0, -1) : parts;
}

/** `a`, `a/b`, `a/b/c`. */
function pathsOf(parts: string[]): string[] {
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

function partsOf(locality: string): string[] {
  const [region = '', zone, ...subzone] = locality.split('/');
  return [region, ...(zone === undefined ? [] : [zone]), ...(subzone.length > 0 ? [subzone.join('/')] : [])];
}
