/** One call of the plugin, as the agent sees it, and what the agent lends to whoever answers it. */
import type { AgentSettings, PodRecord } from '../../contract/cni-plugin.ts';
import type { Namespace, Pod } from '../../mesh/kubernetes.ts';
import type { Host } from '../host.ts';
import type { Toolbox } from './toolbox.ts';

/** What the runtime asked of the plugin, handed over by the launcher, which waits for the answer. */
export interface CniCall {
  /** The launcher's process, as the node counts: it stands in the host's mount namespace, and holds the netns open. */
  pid: number;
  /** The pod's netns among the launcher's files, so `/proc/<pid>/fd/<fd>`; -1 where there is none, as mostly at DEL. */
  netnsFd: number;
  /** `CNI_COMMAND`, `CNI_CONTAINERID`, `CNI_NETNS`, `CNI_IFNAME`, `CNI_ARGS`, `CNI_PATH`, … */
  env: Record<string, string>;
  /** The network configuration: bytes, because its `prevResult` goes back as the very same ones. */
  stdin: Buffer;
}

/** What the plugin prints, and the code with which it ends. */
export interface CniReply {
  exit: number;
  stdout: Buffer;
}

/** As the runtime names a pod in `CNI_ARGS`. */
export interface PodIds {
  namespace: string;
  name: string;
  /** Empty where the runtime does not tell. */
  uid: string;
}

export interface KnownPod {
  pod: Pod;
  namespace?: Namespace;
}

/** One record per sandbox, on disk and in the agent's memory. None of these throws. */
export interface PodRecords {
  put(record: PodRecord): void;
  get(containerId: string): PodRecord | undefined;
  drop(containerId: string): void;
  list(): PodRecord[];
}

/** Everything outside of one call. */
export interface PluginWorld {
  host: Host;
  settings: AgentSettings;
  /** Undefined: not to be had in time. A pod of that name with another UID is not the one that is asked for. */
  findPod(ids: PodIds): Promise<KnownPod | undefined>;
  records: PodRecords;
  /** What is known of the node's programs: one for the agent's whole life. */
  toolbox: Toolbox;
  /** Now, in ISO 8601. */
  time(): string;
}
