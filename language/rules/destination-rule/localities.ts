/**
 * Localities as Istio compares them: `region/zone/subzone`, where a shorter one takes in all that is below it, and so does a
 * `*` at the end.
 */

/** What is wrong with the form of a locality: an empty part, or a wildcard before its end. */
export function localityFault(locality: string): 'empty' | 'wildcard' | undefined {
  if (locality.slice(0, -1).includes('*')) return 'wildcard';
  return partsOf(locality).includes('') ? 'empty' : undefined;
}

/** Whether a locality lies within another, or takes it in; either order of the two. */
export function localitiesOverlap(a: string, b: string): boolean {
  return repeats(a, b) || repeats(b, a);
}

/**
 * Whether Istio refuses the later of two localities beside the earlier one. It sees less than there is: a region after all
 * of its zones, but no wildcard after what it takes in.
 */
export function repeats(earlier: string, later: string): boolean {
  const [region = '', zone, subzone] = partsOf(earlier);
  const [ownRegion, ownZone, ownSubzone] = partsOf(later);
  if (region === '*') return true;
  if (region !== ownRegion) return false;
  if (ownZone === undefined || zone === undefined || zone === '*') return true;
  if (zone !== ownZone) return false;
  return ownSubzone === undefined || subzone === undefined || subzone === '*' || subzone === ownSubzone;
}

function partsOf(locality: string): string[] {
  const [region = '', zone, ...subzone] = locality.split('/');
  return [region, ...(zone === undefined ? [] : [zone]), ...(subzone.length > 0 ? [subzone.join('/')] : [])];
}
