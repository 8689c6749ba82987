/** What is known of a node's programs, kept from one call to the next: looking for them costs more than using them. */
import type { Backend } from '../tools.ts';

/** What can program rules in one root. Paths are as seen from inside it. */
export interface RootTools {
  /** `['/usr/sbin/iptables-nft-restore']` or `['/usr/sbin/xtables-nft-multi', 'iptables-restore']`, by `4 nft` and so on. */
  restore: Map<string, string[]>;
  save: Map<string, string[]>;
  ip?: string;
  sh?: string;
  nsenter?: string;
  /** The backend of the plain `iptables` there. */
  preferred?: Backend;
}

/** One for the agent's life. The host's programs may be updated meanwhile: who fails with one forgets them. */
export interface Toolbox {
  /** By the place's origin: every launcher leads to the same root of the host. */
  roots: Map<string, Promise<RootTools>>;
}

export function newToolbox(): Toolbox {
  return { roots: new Map() };
}
