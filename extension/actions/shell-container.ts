/** A shell beside a container that has none: an ephemeral container in its pod, which sees its processes. No editor here. */
import * as l10n from '@vscode/l10n';
import { stringify } from 'yaml';
import type { ContainerStatus, Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { systemClock, type Clock } from '../cluster/follow.ts';
import { whyNotStarting } from '../node-helper/debug-failure.ts';
import { notThere } from './pod-targets.ts';
import { PodWatcher } from './pod-watcher.ts';

export interface ShellPlace {
  namespace: string;
  name: string;
  container: string;
}

/** What would be added, for a person to agree to. */
export interface ShellOffer {
  place: ShellPlace;
  patch: object;
  question: string;
  /** Names image, pod, namespace, context and server; says that it stays. */
  detail: string;
  /** As YAML. */
  preview: string;
}

/** It ends by itself after this time, in seconds: nobody can take it away. */
const livesSeconds = 3600;
const startTimeoutMs = 60_000;
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
export async function addShellContainer(
  cluster: Cluster,
  { place, patch }: ShellOffer,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const { namespace, name } = place;
  await cluster.patch(resourceTypes.pods, name, patch, { namespace, subresource: 'ephemeralcontainers', signal });
  const over = new AbortController();
  try {
    const watcher = new PodWatcher(cluster, { namespace, name }, AbortSignal.any([signal, over.signal]), clock);
    await watcher.ready;
    await waitUntilRunning(cluster, watcher, place, signal, clock);
  } finally {
    over.abort();
  }
}

async function waitUntilRunning(
  cluster: Cluster,
  watcher: PodWatcher,
  { namespace, name, container }: ShellPlace,
  signal: AbortSignal,
  clock: Clock,
): Promise<void> {
  const until = clock.now() + startTimeoutMs;
  while (!signal.aborted) {
    const pod = watcher.find(name);
    if (!pod) throw notThere(cluster, { kind: 'Pod', namespace, name });
    const status = pod.status?.ephemeralContainerStatuses?.find((each) => each.name === container);
    if (status?.state?.running) return;
    const left = until - clock.now();
    const image = pod.spec?.ephemeralContainers?.find((each) => each.name === container)?.image ?? '';
    const trouble =
      whyNotStarting(container, image, status, left <= 0) ?? (left <= 0 ? late(container, status) : undefined);
    if (trouble)
      throw new ClusterFailure(
        'unexpected',
        trouble.message,
        l10n.t('Open the terminal again and name another image, or look at the pod’s events.'),
        { cause: trouble },
      );
    await watcher.changed(Math.min(left, 5000));
  }
}

function late(container: string, status: ContainerStatus | undefined): Error {
  const { reason = '', message = '' } = status?.state?.waiting ?? {};
  const why = [reason, message].filter(Boolean).join(': ') || l10n.t('not started yet');
  return new Error(
    l10n.t('The debug container “{0}” did not start within {1} s: {2}', container, startTimeoutMs / 1000, why),
  );
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
