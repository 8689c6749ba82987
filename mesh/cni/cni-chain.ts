/** What is known of a node's plugin chain, and of what is wrong with it. */
import { type CniHazardCode, describeCniHazard } from './hazards.ts';
import type { CniFileText } from './parse-cni-file.ts';
import type { PluginRole } from './plugin-roles.ts';

/** What a plugin answered when asked for its versions; the node helper's `CniPluginProbe` fits. */
export interface PluginVersions {
  type: string;
  /** Absent: no such program in the binary directories. */
  path?: string;
  supportedVersions?: string[];
  error?: string;
  /** Why it cannot do its work, where that is certain. */
  fault?: PluginFault;
  /** A place where such a program lies, but where the runtime does not look. */
  elsewhere?: string;
}

/** What the kernel refuses to start: no executable bit, another processor, a file system mounted so, or no program. */
export type PluginFault = 'not-executable' | 'processor' | 'noexec' | 'no-program' | 'no-loader';

/** A directory with what a runtime or a delegating plugin would read there. */
export interface CniFolder {
  path: string;
  files: readonly CniFileText[];
}

/** A file with which a plugin talks to the API server. What it holds stays on the node. */
export interface CniCredential {
  /** The plugin that names it. */
  plugin: string;
  path: string;
  state: 'there' | 'missing' | 'unreadable';
  /** Seconds since 1970 at which its token ends. */
  expires?: number;
}

/** What is known of the runtime; the node helper's `RuntimeCni` fits. */
export interface RuntimeFacts {
  program: string;
  version?: string;
  confDir: string;
  binDirs: readonly string[];
  lastLoad?: string;
  notReady?: string;
  loaded?: readonly string[];
  loadedTexts?: readonly string[];
  defaultNetwork?: string;
  maxNetworks?: number;
}

/** Addresses that host-local has given away under a network's name. */
export interface NetworkLeases {
  network: string;
  used: number;
  /** One of them. */
  sample?: string;
}

/**
 * How the runtime treats what it cannot use: containerd gives up the whole directory when the first file is broken; CRI-O
 * and cri-dockerd step over it, silently, and also over a list whose plugins are missing or speak other versions.
 */
export type CniRuntime = 'containerd' | 'cri-o' | 'docker';

export interface ChainProblem {
  severity: 'error' | 'warning';
  code: CniHazardCode;
  /** What happened and why, with the user's names in it. */
  message: string;
  whatToDo: string;
  /** The plugin that is in the way. */
  plugin?: string;
  /** The file that it is about. */
  file?: string;
}

export interface ChainPlugin {
  type: string;
  role: PluginRole;
  /** Absent: nobody asked, or it could not answer (then `problems` says why). */
  supportedVersions?: string[];
  path?: string;
  /** `host-local`: the program that hands out the addresses. */
  ipam?: string;
  delegates: string[];
  /** The networks that it calls, as far as the node tells; absent for a plugin that calls none. */
  calls?: DelegateCall[];
  /** `folder/10-x.conf`: it does not stand in the list, but is appended to it from there. */
  from?: string;
  problems: ChainProblem[];
}

/** One network that a delegating plugin calls. */
export interface DelegateCall {
  /** As its configuration names it: `/host/etc/cni/net.d/10-calico.conflist`, `podnet`. */
  named: string;
  /** The file that it was found in; absent when it stands in the configuration itself, or was not found. */
  file?: string;
  network?: string;
  cniVersion?: string;
  plugins: ChainPlugin[];
  /** Why the node's files do not tell more. */
  unresolved?: string;
}

export interface CniChain {
  /** The file in force; absent when the runtime has none that it loads. */
  effective?: CniFileText;
  /** Files that the runtime would load if those before them were not there. */
  shadowed: CniFileText[];
  /** The version that every plugin is asked for: `0.3.1`. */
  cniVersion?: string;
  /** The network's name: `podnet`. */
  name?: string;
  plugins: ChainPlugin[];
  /** The runtime is told not to call CHECK, or GC, for this list. */
  disableCheck?: boolean;
  disableGC?: boolean;
  /** All problems, those of single plugins too; errors first. */
  problems: ChainProblem[];
}

/** A problem with the remedy that its code has by itself; `details` may name a better one. */
export function chainProblem(
  code: CniHazardCode,
  severity: ChainProblem['severity'],
  message: string,
  details: Partial<Pick<ChainProblem, 'plugin' | 'file' | 'whatToDo'>> = {},
): ChainProblem {
  return { severity, code, message, whatToDo: describeCniHazard(code).whatToDo, ...details };
}
