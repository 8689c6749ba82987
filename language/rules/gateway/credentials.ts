import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';

/** The Secrets that a Gateway's servers name; none that stand somewhere else than in Secrets (`configmap://…`). */
export function credentialsOf({ spec }: Resource): Located[] {
  return spec
    .at('servers')
    .items.map((server) => server.at('tls'))
    .flatMap((tls) => {
      const several = tls.at('credentialNames').items;
      return several.length > 0 ? several : [tls.at('credentialName')];
    })
    .filter(({ string }) => string !== undefined && string !== '' && !string.includes('://'));
}
