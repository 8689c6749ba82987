/**
 * Asks the node helper. One request is one command in the helper's pod on that node:
 *
 *     pods/exec  -c node-helper  node /run/meshloom/node-helper.js inspect     ← one JSON request, one line, on standard input
 *                                                                             → one JSON reply on standard output
 *
 * The request ends with a newline, and an API server before 1.29 cannot close standard input: a helper must not wait for
 * its end once it has the line.
 */
import * as l10n from '@vscode/l10n';
import {
  nodeHelperProtocol,
  parseNodeHelperReply,
  type NodeHelperReply,
  type NodeHelperRequest,
  type InspectedPod,
  type NodeHelperVerb,
  type PodTarget,
} from '../../contract/node-helper.ts';
import type { ContainerStatus, Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { helperContainer, helperNamespace, helperProgramPath, helperSelector, managedBy } from './manifest.ts';
import { whyNoHelperPod } from './why-no-helper-pod.ts';

export const helperCommand = ['node', helperProgramPath, 'inspect'];

/** A node under load takes seconds to start a process; all rules of a pod take it a tenth of one. */
const requestTimeoutMs = 30_000;

/** Nobody answers on that node: nothing is deployed there, or it does not run (then `message` says why). */
export class HelperMissing extends Error {
  override readonly name = 'HelperMissing';
  readonly node: string;
  /** What to do next. */
  readonly next: string;
  /** Deploying, or deploying again, can help. */
  readonly canDeploy: boolean;
  constructor(node: string, message: string, next?: string) {
    super(message);
    this.node = node;
    this.canDeploy = next === undefined;
    this.next =
      next ??
      l10n.t('Deploy the node helper: it only reads, and you see its manifest and rights before anything is changed.');
  }
}

export interface HelperAnswer<Verb extends NodeHelperVerb> {
  reply: NodeHelperReply<Verb>;
  /** Name of the pod that answered. */
  helperPod: string;
  node: string;
  /** Its program is not this extension's: what it does not know yet is missing from its answer. Absent: not asked. */
  outdated?: boolean;
}

export interface HelperCallOptions {
  /** Hash of the program that this extension ships, to notice another. */
  ownHash?: string;
  /** Default 30 s. */
  timeoutMs?: number;
}

/** The rules and sockets in a pod's network namespace, as they are now. @throws HelperMissing, ClusterFailure, UnreadableReply */
export async function inspectPod(
  cluster: Cluster,
  pod: Pod,
  signal?: AbortSignal,
  options?: HelperCallOptions,
): Promise<HelperAnswer<'inspect-pod'>> {
  const { name = '', namespace = '' } = pod.metadata ?? {};
  const node = pod.spec?.nodeName;
  if (!node) {
    throw new HelperMissing(
      '',
      l10n.t(
        'Pod “{0}” in namespace “{1}” runs on no node yet: it has no network namespace to look into.',
        name,
        namespace,
      ),
    );
  }
  return await ask(
    cluster,
    node,
    { protocol: nodeHelperProtocol, verb: 'inspect-pod', pod: targetOf(pod) },
    signal,
    options,
  );
}

/** At most as many that a request stays far below what a helper reads: 1 MiB. */
const podsPerRequest = 200;

/**
 * Many pods of one node at once; each has its reading or its reason. A helper from before this verb is asked pod by pod.
 * @throws HelperMissing, ClusterFailure, UnreadableReply
 */
export async function inspectPods(
  cluster: Cluster,
  node: string,
  pods: readonly Pod[],
  signal?: AbortSignal,
  options?: HelperCallOptions,
): Promise<InspectedPod[]> {
  const inspected: InspectedPod[] = [];
  for (let at = 0; at < pods.length; at += podsPerRequest) {
    const targets = pods.slice(at, at + podsPerRequest).map((pod) => targetOf(pod));
    const request = { protocol: nodeHelperProtocol, verb: 'inspect-pods' as const, pods: targets };
    const { reply } = await ask(cluster, node, request, signal, options);
    if (reply.ok) inspected.push(...reply.result.pods);
    else if (reply.error.code === 'unknown-verb')
      inspected.push(...(await inspectOneByOne(cluster, node, targets, signal)));
    else inspected.push(...targets.map((target) => ({ ...nameOf(target), ok: false as const, error: reply.error })));
  }
  return inspected;
}

async function inspectOneByOne(cluster: Cluster, node: string, targets: readonly PodTarget[], signal?: AbortSignal) {
  const inspected: InspectedPod[] = [];
  for (const pod of targets) {
    const request = { protocol: nodeHelperProtocol, verb: 'inspect-pod' as const, pod };
    const { reply } = await ask(cluster, node, request, signal);
    inspected.push({
      ...nameOf(pod),
      ...(reply.ok ? { ok: true, result: reply.result } : { ok: false, error: reply.error }),
    });
  }
  return inspected;
}

function nameOf({ uid, namespace, name }: PodTarget): Pick<PodTarget, 'uid' | 'namespace' | 'name'> {
  return { uid, namespace, name };
}

function targetOf(pod: Pod): PodTarget {
  const { name = '', namespace = '', uid = '', annotations } = pod.metadata ?? {};
  const ips = [pod.status?.podIP, ...(pod.status?.podIPs ?? []).map(({ ip }) => ip)].filter((ip) => ip !== undefined);
  return {
    // The kubelet knows a static pod by the hash of its file; the UID of its mirror exists in the API alone.
    uid: annotations?.['kubernetes.io/config.hash'] ?? uid,
    namespace,
    name,
    ips: [...new Set(ips)],
    containerIds: containerIds(pod),
  };
}

/** A node's CNI configuration and plugins. @throws HelperMissing, ClusterFailure, UnreadableReply */
export async function readCni(
  cluster: Cluster,
  node: string,
  signal?: AbortSignal,
  options?: HelperCallOptions,
): Promise<HelperAnswer<'read-cni'>> {
  return await ask(cluster, node, { protocol: nodeHelperProtocol, verb: 'read-cni' }, signal, options);
}

/** Whether a node's helper answers, and what it found there. @throws HelperMissing, ClusterFailure, UnreadableReply */
export async function hello(
  cluster: Cluster,
  node: string,
  signal?: AbortSignal,
  options?: HelperCallOptions,
): Promise<HelperAnswer<'hello'>> {
  return await ask(cluster, node, { protocol: nodeHelperProtocol, verb: 'hello' }, signal, options);
}

/** One request to the helper of a node. @throws HelperMissing, ClusterFailure, UnreadableReply */
export async function ask<Verb extends NodeHelperVerb>(
  cluster: Cluster,
  node: string,
  request: NodeHelperRequest & { verb: Verb },
  signal: AbortSignal | undefined,
  { ownHash, timeoutMs = requestTimeoutMs }: HelperCallOptions = {},
): Promise<HelperAnswer<Verb>> {
  const helperPod = await findHelperPod(cluster, node, signal);
  const pod = { namespace: helperNamespace, name: helperPod, container: helperContainer };
  const stdin = `${JSON.stringify(request)}\n`;
  const { stdout, stderr, exitCode } = await cluster.exec(pod, helperCommand, {
    stdin,
    timeoutMs,
    ...(isWriting(request) && { writes: `Node ${node}` }),
    ...(signal && { signal }),
  });
  if (stdout.trim() === '') throw silentHelper(cluster, node, helperPod, stderr, exitCode);
  const reply = parseNodeHelperReply(stdout, request.verb);
  return { reply, helperPod, node, ...(ownHash !== undefined && { outdated: reply.helper.hash !== ownHash }) };
}

/** A gate may stand before what changes a node. */
function isWriting(request: NodeHelperRequest): boolean {
  return request.verb === 'cni' && request.action !== 'plan';
}

/** @returns the name of the helper's pod on a node, the newest if an older one is just being replaced. */
async function findHelperPod(cluster: Cluster, node: string, signal?: AbortSignal): Promise<string> {
  const labelSelector = Object.entries({ ...helperSelector, ...managedBy })
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  const { items } = await cluster.list<Pod>(resourceTypes.pods, {
    namespace: helperNamespace,
    labelSelector,
    fieldSelector: `spec.nodeName=${node}`,
    ...(signal && { signal }),
  });
  // Asked for by field selector; a server that does not know it answers with all of them.
  const here = items.filter(({ spec, metadata }) => spec?.nodeName === node && !metadata?.deletionTimestamp);
  const running = here
    .filter(
      ({ status }) =>
        status?.phase === 'Running' &&
        status.containerStatuses?.some(({ name, state }) => name === helperContainer && state?.running),
    )
    .sort((a, b) => (b.metadata?.creationTimestamp ?? '').localeCompare(a.metadata?.creationTimestamp ?? ''));
  const found = running[0]?.metadata?.name;
  if (found) return found;
  const waiting = here[0];
  throw waiting
    ? new HelperMissing(
        node,
        l10n.t(
          'The node helper’s pod “{0}” on node “{1}” does not run: {2}. Look at it, or deploy the node helper again.',
          waiting.metadata?.name ?? '',
          node,
          whyNotRunning(waiting),
        ),
      )
    : await missingOn(cluster, node, signal);
}

async function missingOn(cluster: Cluster, node: string, signal: AbortSignal | undefined): Promise<HelperMissing> {
  const unfit = await whyNoHelperPod(cluster, node, signal);
  const context = cluster.context.name;
  const message = unfit
    ? l10n.t('No node helper runs on node “{0}” of context “{1}”. {2}', node, context, unfit.why)
    : l10n.t('No node helper runs on node “{0}” of context “{1}”. Deploy it to look into the node.', node, context);
  return new HelperMissing(node, message, unfit?.next);
}

/** The most telling word that a pod's status has about why it does not run. */
export function whyNotRunning(pod: Pod): string {
  for (const { state } of statuses(pod)) {
    const stopped = state?.waiting ?? (state?.terminated?.exitCode ? state.terminated : undefined);
    if (stopped?.reason && stopped.reason !== 'PodInitializing')
      return [stopped.reason, stopped.message].filter(Boolean).join(': ');
  }
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unscheduled) return [unscheduled.reason, unscheduled.message].filter(Boolean).join(': ');
  return pod.status?.reason ?? l10n.t('it is starting');
}

function statuses({ status }: Pod): ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

function containerIds(pod: Pod): string[] {
  return statuses(pod).flatMap(({ containerID }) => (containerID ? [containerID] : []));
}

function silentHelper(
  cluster: Cluster,
  node: string,
  helperPod: string,
  stderr: string,
  exitCode?: number,
): ClusterFailure {
  const why =
    exitCode === 137
      ? l10n.t('it was killed (137), most likely because it ran out of memory')
      : stderr.trim().slice(-500) ||
        (exitCode === undefined ? l10n.t('the connection ended early') : l10n.t('it ended with code {0}', exitCode));
  return new ClusterFailure(
    'unexpected',
    l10n.t(
      'The node helper “{0}” on node “{1}” of context “{2}” gave no answer: {3}.',
      helperPod,
      node,
      cluster.context.name,
      why.replace(/\.$/, ''),
    ),
    l10n.t('Try again; if it stays, deploy the node helper again.'),
  );
}
