/**
 * Reading from inside the pod: an ephemeral container with the proxy's own image, which holds the iptables that wrote the
 * rules. It stands in the pod's network namespace by being part of the pod; no right on the node is needed. Its price: an
 * ephemeral container can never be taken out of a pod's spec again, so nothing is added without consent.
 */
import * as l10n from '@vscode/l10n';
import { stringify } from 'yaml';
import type { InspectPodResult } from '../../contract/node-helper.ts';
import type { Container, ContainerStatus, KubernetesEvent, Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster, type ExecResult } from '../cluster/cluster.ts';
import { DebugContainerFailure, isImageTrouble, whyNotStarting } from './debug-failure.ts';
import { parseSections, readingsOf, type Section } from './debug-output.ts';
import { commandsOf, idleSeconds, newMark, singleCommands, type Keeper } from './debug-script.ts';

/** What would be added, for a person to agree to. */
export interface ContainerOffer {
  /** Name of the container, new in this pod. */
  container: string;
  image: string;
  /** `Read the rules from inside reviews-1?` */
  question: string;
  /** Names pod, namespace, context; says that it stays. For a modal. */
  detail: string;
  /** The same with the container as YAML: for a read-only document beside the question. */
  preview: string;
}

const baseName = 'meshloom-rules';
/** The kubelet starts it within seconds when the image is on the node, which the proxy's is. */
const startTimeoutMs = 60_000;
/** From the first failed pull: a registry that was only busy has answered by then. */
const imagePatienceMs = 8_000;
const readTimeoutMs = 20_000;
const pollMs = 400;

export interface DebugContainerOptions {
  signal?: AbortSignal;
  onProgress?: (message: string) => void;
  /** For getting to run. Default 60 s. */
  startTimeoutMs?: number;
}

/** @returns undefined when the pod has no container whose image is known to bring iptables. */
export function offerDebugContainer(cluster: Cluster, pod: Pod): ContainerOffer | undefined {
  const image = findProxyImage(pod);
  if (image === undefined) return undefined;
  const container = freeName(pod);
  const { name = '', namespace = '' } = pod.metadata ?? {};
  const context = cluster.context.name;
  const detail = l10n.t(
    'A debug container “{0}” with the proxy’s image {1} is added to pod “{2}” in namespace “{3}” of context “{4}”. It runs as root with NET_ADMIN and NET_RAW, prints the packet rules and ends after {5} minutes. The running containers are not touched. It cannot be undone: Kubernetes keeps the ended container in the pod’s spec until the pod is deleted.',
    container,
    image,
    name,
    namespace,
    context,
    idleSeconds / 60,
  );
  const where = l10n.t('API server: {0}.', cluster.context.server ?? context);
  const [first] = keepersFor(image);
  const object = containerObject(container, image, first!, '…');
  const comments = [
    l10n.t('Debug container, to be added to pod “{0}” in namespace “{1}” of context “{2}”.', name, namespace, context),
    l10n.t('Nothing has been sent yet. Once added it stays in the pod’s spec until the pod is deleted.'),
    l10n.t('It is added through pods/ephemeralcontainers; the rules are read from its log, or by commands in it.'),
    l10n.t(
      'Should the image lack a shell, another one is added that does without: “{0}”, then “{1}”.',
      `${container}-b`,
      `${container}-c`,
    ),
  ];
  return {
    container,
    image,
    question: l10n.t('Read the rules from inside pod “{0}”?', name),
    detail: `${detail} ${where}`,
    preview: `${comments.map((line) => `# ${line}\n`).join('')}---\n${stringify(object, { lineWidth: 0 })}`,
  };
}

/** The name of a debug container of ours that still runs in this pod. */
export function findRunningDebugContainer(pod: Pod): string | undefined {
  return pod.status?.ephemeralContainerStatuses?.findLast(
    ({ name, state }) => name.startsWith(baseName) && state?.running,
  )?.name;
}

/**
 * Adds the container and reads. Asks the API server first whether it would take it (dry run).
 * @throws DebugContainerFailure, ClusterFailure
 */
export async function readWithNewContainer(
  cluster: Cluster,
  pod: Pod,
  offer: ContainerOffer,
  options: DebugContainerOptions = {},
): Promise<{ result: InspectPodResult; container: string }> {
  const started = performance.now();
  const keepers = keepersFor(offer.image);
  for (const [at, keeper] of keepers.entries()) {
    const name = at === 0 ? offer.container : `${offer.container}-${'abc'[at]}`;
    const mark = newMark();
    const object = containerObject(name, offer.image, keeper, mark);
    if (at === 0) await addContainer(cluster, pod, object, { ...options, dryRun: true });
    options.onProgress?.(l10n.t('Adding the debug container “{0}”', name));
    await addContainer(cluster, pod, object, options);
    try {
      await waitUntilStarted(cluster, pod, name, options);
      const output =
        keeper === 'shell'
          ? await readLog(cluster, pod, name, mark, options)
          : await runEach(cluster, pod, name, options);
      return { result: readingsOf(output, { pod, container: name, image: offer.image, started }), container: name };
    } catch (error) {
      const more = at + 1 < keepers.length;
      if (!(error instanceof DebugContainerFailure) || error.kind !== 'no-program' || !more) throw error;
    }
  }
  throw new Error('unreachable: the last way of keeping a container throws');
}

/** Reads again through a container that runs. @throws DebugContainerFailure, ClusterFailure */
export async function readWithRunningContainer(
  cluster: Cluster,
  pod: Pod,
  container: string,
  options: DebugContainerOptions = {},
): Promise<InspectPodResult> {
  const started = performance.now();
  const image = pod.spec?.ephemeralContainers?.find(({ name }) => name === container)?.image ?? '';
  const output = await runEach(cluster, pod, container, options);
  return readingsOf(output, { pod, container, image, started });
}

function findProxyImage({ spec }: Pod): string | undefined {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const found = ['istio-proxy', 'istio-init', 'istio-validation'].map((wanted) =>
    all.find(({ name }) => name === wanted),
  );
  // "auto" stands for an image that the injector has not filled in yet.
  return found.find((container) => container?.image && container.image !== 'auto')?.image;
}

/** A name can be used once in a pod's life. */
function freeName({ spec }: Pod): string {
  const taken = new Set(spec?.ephemeralContainers?.map(({ name }) => name.replace(/-[abc]$/, '')));
  for (let count = 1; ; count++) {
    const name = count === 1 ? baseName : `${baseName}-${count}`;
    if (!taken.has(name)) return name;
  }
}

/** In this order; the next one when the image lacks what this one takes. */
function keepersFor(image: string): Keeper[] {
  return /distroless/.test(image) ? ['pilot-agent', 'sleep'] : ['shell', 'sleep', 'pilot-agent'];
}

function containerObject(
  name: string,
  image: string,
  keeper: Keeper,
  mark: string,
): Container & Record<string, unknown> {
  return {
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: commandsOf(keeper, mark),
    // There is nothing else to lock against in here, and the root file system is read-only.
    env: [{ name: 'XTABLES_LOCKFILE', value: '/dev/shm/xtables.lock' }],
    securityContext: {
      runAsUser: 0,
      runAsGroup: 0,
      // The pod may say otherwise for its own containers; iptables tells its rules to root alone.
      runAsNonRoot: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] },
      seccompProfile: { type: 'RuntimeDefault' },
    } as Container['securityContext'] & Record<string, unknown>,
  };
}

async function addContainer(
  cluster: Cluster,
  { metadata }: Pod,
  container: Container,
  { dryRun, signal }: { dryRun?: boolean; signal?: AbortSignal },
): Promise<void> {
  await cluster.patch(
    resourceTypes.pods,
    metadata?.name ?? '',
    { spec: { ephemeralContainers: [container] } },
    {
      namespace: metadata?.namespace ?? 'default',
      subresource: 'ephemeralcontainers',
      ...(dryRun && { dryRun }),
      ...(signal && { signal }),
    },
  );
}

/** Resolves when it runs, or has ended. @throws DebugContainerFailure why it does not start, ClusterFailure */
export async function waitUntilStarted(
  cluster: Cluster,
  pod: Pod,
  container: string,
  { signal, onProgress, startTimeoutMs: patience = startTimeoutMs }: DebugContainerOptions,
): Promise<void> {
  const started = performance.now();
  const { name = '', namespace = 'default', uid } = pod.metadata ?? {};
  let imageTrouble: number | undefined;
  for (;;) {
    const now = await cluster.get<Pod>(resourceTypes.pods, name, { namespace, ...(signal && { signal }) });
    if (!now || (uid && now.metadata?.uid !== uid)) throw podGone(name, container);
    const image = now.spec?.ephemeralContainers?.find((candidate) => candidate.name === container)?.image ?? '';
    const told = now.status?.ephemeralContainerStatuses?.find((candidate) => candidate.name === container);
    const isOpen = !told?.state?.running && !told?.state?.terminated && !isImageTrouble(told);
    const status = (isOpen && (await findPullFailure(cluster, now, container, signal))) || told;
    const time = performance.now();
    if (isImageTrouble(status)) imageTrouble ??= time;
    const isLate = time - started >= patience || time - (imageTrouble ?? time) >= imagePatienceMs;
    const trouble = whyNotStarting(container, image, status, isLate && !status?.state?.running);
    if (trouble) throw trouble;
    // One that has ended by itself may have printed everything all the same.
    if (status?.state?.running ?? status?.state?.terminated) return;
    onProgress?.(l10n.t('Waiting for the debug container “{0}” to start', container));
    await pause(pollMs, signal);
  }
}

/**
 * In a pod that runs, the kubelet writes a failed pull into the status half a minute later; its event comes at once.
 * Undefined where events may not be read.
 */
async function findPullFailure(
  cluster: Cluster,
  { metadata }: Pod,
  container: string,
  signal: AbortSignal | undefined,
): Promise<ContainerStatus | undefined> {
  const fieldSelector = `involvedObject.name=${metadata?.name ?? ''}`;
  const options = { namespace: metadata?.namespace ?? 'default', fieldSelector, ...(signal && { signal }) };
  const events = await cluster.list<KubernetesEvent>(resourceTypes.events, options).catch((error: unknown) => {
    if (error instanceof ClusterFailure && error.reason === 'forbidden') return { items: [] };
    throw error;
  });
  const about = events.items.filter(
    ({ involvedObject }) => involvedObject?.fieldPath === `spec.ephemeralContainers{${container}}`,
  );
  const failed = about.findLast(({ reason, message }) => reason === 'Failed' && /pull image/i.test(message ?? ''));
  if (!failed) return undefined;
  return { name: container, state: { waiting: { reason: 'ErrImagePull', message: failed.message ?? '' } } };
}

async function readLog(
  cluster: Cluster,
  pod: Pod,
  container: string,
  mark: string,
  { signal, onProgress }: DebugContainerOptions,
) {
  const deadline = performance.now() + readTimeoutMs;
  const place = { namespace: pod.metadata?.namespace ?? 'default', name: pod.metadata?.name ?? '', container };
  onProgress?.(l10n.t('Reading what the debug container “{0}” printed', container));
  for (;;) {
    let log: string;
    try {
      log = await cluster.log(place, signal ? { signal } : {});
    } catch (error) {
      // Who may not read logs may still run commands.
      if (error instanceof ClusterFailure && error.reason === 'forbidden') {
        return await runEach(cluster, pod, container, signal ? { signal } : {});
      }
      throw error;
    }
    const sections = parseSections(log, mark);
    if (sections) return sections;
    if (performance.now() >= deadline) {
      throw new DebugContainerFailure(
        'timeout',
        l10n.t(
          'The debug container “{0}” runs, but did not print the rules within {1} s.',
          container,
          readTimeoutMs / 1000,
        ),
        l10n.t('The node may be under load: read again, the container is used once more while it runs.'),
      );
    }
    await pause(pollMs, signal);
  }
}

/** One command after the other; those that the image does not have are left out. */
async function runEach(cluster: Cluster, pod: Pod, container: string, { signal }: DebugContainerOptions) {
  const place = { namespace: pod.metadata?.namespace ?? 'default', name: pod.metadata?.name ?? '', container };
  const run = async (argv: string[]) => await execOrMissing(cluster, place, argv, signal);
  const sections: Section[] = [];
  const has = (id: string) => sections.some((section) => section.id === id);
  for (const { id, argv, plain } of singleCommands) {
    if (has(id)) continue;
    if (plain) {
      const version = await run([argv[0]!, '--version']);
      if (version === undefined || version.stdout.includes('nf_tables') !== (plain === 'nft')) continue;
    }
    const ended = await run(argv);
    if (!ended) continue;
    const { stdout, stderr, exitCode = 1 } = ended;
    sections.push({ id, command: argv.join(' '), text: stdout, code: exitCode });
    if (exitCode !== 0) sections.push({ id: `${id}-error`, command: '', text: stderr, code: 0 });
  }
  return sections;
}

/** Undefined: there is no such program in the container. */
async function execOrMissing(
  cluster: Cluster,
  place: { namespace: string; name: string; container: string },
  argv: string[],
  signal: AbortSignal | undefined,
): Promise<ExecResult | undefined> {
  try {
    const ended = await cluster.exec(place, argv, { timeoutMs: readTimeoutMs, ...(signal && { signal }) });
    return isNotFound(ended.stderr) || ended.exitCode === 127 || ended.exitCode === 126 ? undefined : ended;
  } catch (error) {
    if (error instanceof ClusterFailure && isNotFound(error.message)) return undefined;
    throw error;
  }
}

function isNotFound(text: string): boolean {
  return /executable file not found|no such file or directory/.test(text);
}

function podGone(name: string, container: string): DebugContainerFailure {
  return new DebugContainerFailure(
    'pod-gone',
    l10n.t('Pod “{0}” went away while its debug container “{1}” was started.', name, container),
    l10n.t('Choose another pod of the workload.'),
  );
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
  });
}
