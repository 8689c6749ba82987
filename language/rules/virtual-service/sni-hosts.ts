import type { Located } from '../../located.ts';

/** The SNI hosts of all tls rules. */
export function sniHosts(spec: Located): Located[] {
  const matches = spec.at('tls').items.flatMap((tls) => tls.at('match').items);
  return matches.flatMap((match) => match.at('sniHosts').items).filter(({ string }) => string !== undefined);
}
