import type { Cluster, ResourceType } from './cluster.ts';
import { backoff, follow, type Clock } from './follow.ts';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';

const definitionType: ResourceType = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

interface Definition extends KubernetesObject {
  spec?: { versions?: { name?: string; served?: boolean }[] };
  status?: { conditions?: { type?: string; status?: string }[] };
}

/**
 * Waits for a kind that the cluster does not serve: its definition alone is watched, and nothing is polled.
 * @param name of the definition: `peerauthentications.security.istio.io`.
 * @param versions of which one must be served.
 * @param round how often it was waited for: a server takes a moment from the definition to the kind.
 * @returns true when it may be asked for; false when `signal` aborts, or nobody may look for definitions.
 */
export async function whenDefined(
  cluster: Pick<Cluster, 'list' | 'watch'>,
  name: string,
  { versions, round, signal, clock }: { versions: readonly string[]; round: number; signal: AbortSignal; clock: Clock },
): Promise<boolean> {
  const found = new AbortController();
  const look = (definition: Definition) => {
    if (isServed(definition, versions)) found.abort();
  };
  await follow<Definition>(cluster, definitionType, {
    fieldSelector: `metadata.name=${name}`,
    signal: AbortSignal.any([signal, found.signal]),
    clock,
    follower: {
      onList: (definitions) => definitions.forEach(look),
      onEvent: (event, definition) => (event === 'DELETED' ? undefined : look(definition)),
      onFailure: () => undefined,
    },
  });
  if (!found.signal.aborted) return false;
  await clock.wait(backoff(round, clock.random()), signal);
  return !signal.aborted;
}

function isServed({ spec, status }: Definition, versions: readonly string[]): boolean {
  const isEstablished = status?.conditions?.some(
    (condition) => condition.type === 'Established' && condition.status === 'True',
  );
  const isOurs = spec?.versions?.some(({ name = '', served }) => served && versions.includes(name));
  return Boolean(isEstablished && isOurs);
}
