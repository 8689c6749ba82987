import type { Located, LocatedEntry } from '../../located.ts';

/** Every tag override of every metric. */
export function tagOverrides(spec: Located): LocatedEntry[] {
  return spec
    .at('metrics')
    .items.flatMap((metrics) => metrics.at('overrides').items)
    .flatMap((override) => [...override.at('tagOverrides').entries]);
}
