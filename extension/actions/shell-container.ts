/** A shell beside a container that has none: an ephemeral container in its pod, which sees its processes. No editor here. */
import * as l10n from '@vscode/l10n';
import { stringify } from 'yaml';
import type { Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { waitUntilStarted } from '../node-helper/debug-container.ts';
import { notThere } from './pod-targets.ts';

export interface ShellPlace {
  namespace: string;
  name: string;
  container: string;
}

/** What would be added, for a person to agree to. */
export interface ShellOffer {
  place: ShellPlace;
  pod: Pod;
  patch: object;
  question: string;
  /** Names image, pod, namespace, context and server; says that it stays. */
  detail: string;
  /** As YAML. */
  preview: string;
}

/** It ends by itself after this time, in seconds: nobody can take it away. */
const livesSeconds = 3600;
const baseName = 'meshloom-shell';

/**
 * The rights of the container that is looked into, and no more.
 * @throws ClusterFailure when the pod is not there.
 */
export async function offerShellContainer(cluster: Cluster, place: ShellPlace, image: string): Promise<ShellOffer> {
  const { namespace, name, container } = place;
  const pod = await cluster.get<Pod>(resourceTypes.pods, name, { namespace });
  if (!pod) throw notThere(cluster, { kind: 'Pod', namespace, name });
  const shell = freeName(pod);
  const beside = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(
    (each) => each.name === container,
  );
  const { runAsUser, runAsGroup } = beside?.securityContext ?? {};
  const added = {
    name: shell,
    image,
    imagePullPolicy: 'IfNotPresent',
    targetContainerName: container,
    command: ['sleep', String(livesSeconds)],
    securityContext: {
      ...(runAsUser !== undefined && { runAsUser }),
      ...(runAsGroup !== undefined && { runAsGroup }),
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
  const { name: context, server = context } = cluster.context;
  return {
    place: { namespace, name, container: shell },
    pod,
    patch: { metadata: { uid: pod.metadata?.uid }, spec: { ephemeralContainers: [added] } },
    question: l10n.t('Add a debug container with a shell to pod “{0}”?', name),
    detail: [
      l10n.t(
        'A debug container “{0}” with image {1} is added to pod “{2}” in namespace “{3}” of context “{4}”. It sees the processes and the network of container {5}, has no further rights and ends after {6} minutes. The running containers are not touched.',
        ...[shell, image, name, namespace, context, container],
        livesSeconds / 60,
      ),
      l10n.t('It cannot be undone: Kubernetes keeps the ended container in the pod’s spec until the pod is deleted.'),
      l10n.t('API server: {0}.', server),
    ].join('\n\n'),
    preview: stringify({ spec: { ephemeralContainers: [added] } }, { lineWidth: 0 }),
  };
}

/** Adds it and waits until it runs. @throws ClusterFailure when it does not come to that. */
export async function addShellContainer(cluster: Cluster, offer: ShellOffer, signal: AbortSignal): Promise<void> {
  const { namespace, name, container } = offer.place;
  await cluster.patch(resourceTypes.pods, name, offer.patch, { namespace, subresource: 'ephemeralcontainers', signal });
  try {
    await waitUntilStarted(cluster, offer.pod, container, { signal });
  } catch (error) {
    if (error instanceof ClusterFailure || signal.aborted) throw error;
    throw new ClusterFailure(
      'unexpected',
      error instanceof Error ? error.message : String(error),
      l10n.t('Open the terminal again and name another image, or look at the pod’s events.'),
      { cause: error },
    );
  }
}

function freeName({ spec }: Pod): string {
  const taken = new Set(
    [...(spec?.ephemeralContainers ?? []), ...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(
      ({ name }) => name,
    ),
  );
  for (let count = 1; ; count++) {
    const name = count === 1 ? baseName : `${baseName}-${count}`;
    if (!taken.has(name)) return name;
  }
}
