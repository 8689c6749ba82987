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
  problems: ChainProblem[];
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
