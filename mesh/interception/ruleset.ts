/**
 * One model for every text in which Linux packet rules are printed. Parsing keeps a rule's own line, so that what we do
 * not understand survives untouched; printing is parsing run backwards.
 *
 * Sample (`iptables-save -c`):
 *
 *     *nat
 *     :ISTIO_INBOUND - [0:0]
 *     [66:3960] -A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN
 *     COMMIT
 */

export interface Counters {
  packets: number;
  bytes: number;
}

/** One condition of a rule: `! --dport 15008` is `{ module: 'tcp', option: '--dport', values: ['15008'], negated: true }`. */
export interface Match {
  /** `-m` module it belongs to; absent for what the rule itself knows (`-p -s -d -i -o -f`). */
  module?: string;
  /** Empty for a module that stands alone: `-m socket`. */
  option: string;
  values: string[];
  negated: boolean;
}

export interface IptablesRule {
  table: string;
  chain: string;
  /** The exact `-A …` line of `iptables-save`, without counters. */
  text: string;
  counters?: Counters;
  /** `-p`: `tcp`; absent for every protocol. */
  matches: Match[];
  /** What `-j` or `-g` names; absent: the rule only counts. */
  target?: string;
  /** `-g` instead of `-j`. */
  goto: boolean;
  /** The target's own options: `--to-ports 15001`. */
  targetOptions: Match[];
  /** Where the text has it, from 1: rules of several chains may stand interleaved, and printing puts them back so. */
  line?: number;
  /** The family of the table it stands in, where one text shows several (`nft list ruleset`). */
  family?: Family;
  /** A rule of native nftables as nft prints it. Rules that share one are the lines that iptables needs for it. */
  nft?: { text: string };
  /** Where the text has it, and what was read there. */
  origin?: RuleOrigin;
}

/** What a place of the text said when it was read: a rule that differs from it was changed since. */
export interface RuleOrigin {
  /** Index in `Source.places`. */
  place: number;
  text: string;
  packets: number | undefined;
  bytes: number | undefined;
}

/** A line of a text that shows rules, or an element of the list of `nft -j`. */
export interface SourcePlace {
  kind: 'rule' | 'chain';
  format: RulesFormat;
  /** Offsets in the text, without the line's end; of `nft -j`: where its text starts, and which element this is. */
  start: number;
  end: number;
  /** Rules that were read here; several when iptables needs several lines for what stands here. */
  rules: number;
  /** Of a chain: what it said. */
  chain?: { policy: string | undefined; packets: number | undefined; bytes: number | undefined };
  /** Of a chain that the text declares a second time: the first place. */
  again?: number;
  /** Of a chain: from where its first rule can stand, and (nft) where its closing brace does. */
  body?: number;
}

/** The text that was read, for printing it back as it was. */
export interface Source {
  text: string;
  places: SourcePlace[];
  /** It inserts or flushes: the order of its lines is not that of the rules. */
  scripted: boolean;
}

/** `inet`: one table for both, which only native nftables has. */
export type Family = '4' | '6' | 'inet';

export interface IptablesChain {
  table: string;
  name: string;
  /** `ACCEPT` or `DROP` for a built-in chain, absent for a user-defined one. */
  policy?: string;
  counters?: Counters;
  rules: IptablesRule[];
  family?: Family;
  /** Index in `Source.places` of the line that declares it. */
  place?: number;
  /** Where the kernel asks a base chain of nftables. */
  hook?: ChainHook;
}

/** `type nat hook prerouting priority dstnat - 10`: type `nat`, hook `prerouting`, priority -110. */
export interface ChainHook {
  type: string;
  hook: string;
  priority: number;
}

/** A set or map: of nftables, in its table, or of ipset, which all tables share. */
export interface NamedSet {
  name: string;
  /** Of nftables only. */
  table?: string;
  family?: Family;
  /** `hash:ip,port`, `ipv4_addr . inet_service : verdict` */
  type: string;
  /** As they are written: between nft's braces, or the `add` lines of `ipset save` without `add NAME`. */
  elements: string;
  /** ipset: the whole lines, in the order of the text. */
  lines?: string[];
}

/** One `*table … COMMIT` of the text, with the comment lines above it. A table may come twice (IPv4 and IPv6 in one file). */
export interface IptablesSection {
  table: string;
  comments: string[];
  /** How many of `Ruleset.chains`, in order, belong here. */
  chainCount: number;
}

export type RulesFormat = 'iptables-save' | 'iptables-S' | 'iptables-L' | 'nft' | 'nft-json';

export interface Ruleset {
  format: RulesFormat;
  family: '4' | '6' | 'unknown';
  /** In the order in which the text shows them. */
  chains: IptablesChain[];
  /** Only `iptables-save` text has them; without, printing groups the chains by table. */
  sections?: IptablesSection[];
  /** Comment lines below the last table. */
  trailingComments?: string[];
  /** Lines or parts that were not understood, in words; they do not stop the reading. */
  warnings: string[];
  /** Sets and maps that the text shows. */
  sets?: NamedSet[];
  /** The lines of `ipset save` in the text, and whether they stand before the rules. */
  ipset?: { lines: string[]; before: boolean };
  /** Absent for rules that were not read but computed. */
  source?: Source;
}
