/** What is known of this node's pods: the watch's, and for one that it does not have yet the API server's word. */
import type { Pod } from '../../mesh/kubernetes.ts';
import type { KnownPod, PodIds } from '../plugin/types.ts';
import { ApiFailure, type ApiServer } from './api-server.ts';
import { slimPod, staticPodUid } from './slim-pod.ts';
import { watchPods, type WatchPace } from './watch-pods.ts';

export interface ApiState {
  connected: boolean;
  why?: string;
}

export interface NodePods {
  state(): ApiState;
  /** All that are known; empty without an API server. */
  list(): Pod[];
  /** Undefined: it is not known, and could not be asked for in time. */
  find(ids: PodIds): Promise<KnownPod | undefined>;
  /** The pod is deleted in the cluster, if it is still this one. @throws {ApiFailure} */
  delete(pod: PodIds): Promise<void>;
  close(): void;
}

export interface NodePodsOptions {
  api: ApiServer | undefined;
  node: string;
  /** A pod appeared, changed, or went; also: whether they are known. */
  onChange?: () => void;
  /** For a line in the log. */
  onState?: (state: ApiState) => void;
  pace?: Partial<WatchPace>;
}

/** Milliseconds that a sandbox waits for the API server at most. */
const patience = 2_000;

/** Starts to follow them. */
export function nodePods({ api, node, onChange, onState, pace }: NodePodsOptions): NodePods {
  const known = new Map<string, Pod>();
  const asked = new Map<string, Promise<Pod | undefined>>();
  const stop = new AbortController();
  let state: ApiState = api
    ? { connected: false, why: `The API server ${api.name} has not answered yet.` }
    : { connected: false, why: 'There is no API server to ask: pods are known by their annotations alone.' };

  const say = (next: ApiState) => {
    if (next.connected === state.connected && next.why === state.why) return;
    state = next;
    onState?.(state);
    onChange?.();
  };
  const keep = (pod: Pod) => known.set(keyOf(pod.metadata), pod);
  if (api)
    void watchPods({
      api,
      node,
      signal: stop.signal,
      ...(pace && { pace }),
      onList: (pods) => {
        known.clear();
        pods.forEach(keep);
        onChange?.();
      },
      onPod: (pod) => {
        keep(pod);
        onChange?.();
      },
      onGone: (pod) => {
        // A new pod of the same name may be there already.
        const key = keyOf(pod.metadata);
        if (known.get(key)?.metadata?.uid === pod.metadata?.uid) known.delete(key);
        onChange?.();
      },
      onState: (connected, why) => say({ connected, ...(why !== undefined && { why }) }),
    });

  const ask = async (ids: PodIds): Promise<Pod | undefined> => {
    try {
      const pod = slimPod(await api?.ask({ path: pathOf(ids), patience, signal: stop.signal }));
      return pod && isMeant(pod, ids) ? pod : undefined;
    } catch {
      // What is wrong with the API server the watch finds out, and says.
      return undefined;
    }
  };

  return {
    state: () => state,
    list: () => [...known.values()],
    async find(ids) {
      const cached = known.get(keyOf(ids));
      if (cached && isMeant(cached, ids)) return { pod: cached };
      if (!api || !isName(ids.namespace) || !isName(ids.name)) return undefined;
      const key = `${keyOf(ids)}/${ids.uid}`;
      const answer = asked.get(key) ?? ask(ids).finally(() => asked.delete(key));
      asked.set(key, answer);
      const pod = await answer;
      return pod && { pod };
    },
    async delete(ids) {
      if (!api) throw new ApiFailure('There is no API server to ask.', 0);
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: ids.uid } };
      await api.ask({ method: 'DELETE', path: pathOf(ids), body, patience: 5_000, signal: stop.signal });
    },
    close: () => {
      stop.abort();
      api?.close();
    },
  };
}

function keyOf(pod: { namespace?: string; name?: string } | undefined): string {
  return `${pod?.namespace ?? ''}/${pod?.name ?? ''}`;
}

function pathOf({ namespace, name }: PodIds): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
}

/** What the runtime names goes into a path: `..` would lead elsewhere. */
function isName(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text);
}

/** The runtime names a static pod by the hash of its file; its mirror in the API server has a UID of its own. */
function isMeant({ metadata }: Pod, { uid }: PodIds): boolean {
  return uid === '' || metadata?.uid === uid || metadata?.annotations?.[staticPodUid] === uid;
}
