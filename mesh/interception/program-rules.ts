import { parseRange, printRange } from './address-range.ts';
import { byDefault } from './causes.ts';
import { isBuiltIn } from './infer-table.ts';
import { defaultSettings } from './interception-settings.ts';
import type { InterceptionSettings, SettingCauses } from './interception-settings.ts';
import { parseRuleLine } from './parse-rule-line.ts';
import type { IptablesChain, IptablesRule, Ruleset } from './ruleset.ts';

/** A rule together with the setting that put it there. */
export interface ProgrammedRule {
  rule: IptablesRule;
  cause: string;
}

export interface Programmed {
  /** As `iptables-save` shows it afterwards: tables, chains and rules in its order. */
  ruleset: Ruleset;
  /** In the same order. */
  rules: ProgrammedRule[];
}

/**
 * The rules that Istio programs in one family for these settings (main branch, 1.32). What no recording of a real pod shows follows
 * Istio's source as known: interfaces, owner groups, INVALID, IPv6 and lists of ports together with TPROXY.
 */
export function programRules(settings: InterceptionSettings, causes: SettingCauses, family: '4' | '6'): Programmed {
  const program = new Program(family);
  if (family === '4' || settings.ipv6) {
    const because = (setting: keyof InterceptionSettings) => causes[setting] ?? byDefault();
    const context: Context = { settings, because, program, family };
    excludeInterfaces(context);
    dropInvalid(context);
    inbound(context);
    outbound(context);
    if (settings.mode === 'TPROXY') markForTproxy(context);
    if (settings.captureDns) separateDnsConnections(context);
  } else {
    // Looking whether IPv6 works leaves an empty nat table behind.
    program.openTable('nat');
  }
  return program.done();
}

interface Context {
  settings: InterceptionSettings;
  because: (setting: keyof InterceptionSettings) => string;
  program: Program;
  family: '4' | '6';
}

// ---- coming in: PREROUTING → ISTIO_INBOUND → ISTIO_IN_REDIRECT → :15006 ---------------------------------------------

/** Both directions pass these interfaces by. In PREROUTING nat the exclusions come first, before the interfaces of virtual machines are put above them. */
function excludeInterfaces({ settings, because, program }: Context): void {
  const tables = settings.mode === 'TPROXY' ? ['nat', 'mangle'] : ['nat'];
  const cause = because('excludeInterfaces');
  for (const table of tables) {
    for (const nic of settings.excludeInterfaces) {
      program.append(table, `PREROUTING -i ${nic} -j RETURN`, cause);
      program.append(table, `OUTPUT -o ${nic} -j RETURN`, cause);
    }
  }
  // Each goes to the top, so the last interface stands first.
  for (const nic of settings.virtualInterfaces)
    program.insert('nat', `PREROUTING -i ${nic} -j RETURN`, 0, because('virtualInterfaces'));
}

function dropInvalid({ settings, because, program }: Context): void {
  if (!settings.dropInvalid) return;
  program.append('mangle', 'PREROUTING -m conntrack --ctstate INVALID -j ISTIO_DROP', because('dropInvalid'));
  program.append('mangle', 'ISTIO_DROP -j DROP', because('dropInvalid'));
}

function inbound(context: Context): void {
  const { settings, because, program } = context;
  const { mode, includeInboundPorts: include, tproxyMark } = settings;
  const [table, to] =
    mode === 'TPROXY' ? (['mangle', 'ISTIO_TPROXY'] as const) : (['nat', 'ISTIO_IN_REDIRECT'] as const);
  // In TPROXY mode no chain leads to this one: it stands there all the same.
  program.append('nat', `ISTIO_INBOUND -p tcp --dport ${settings.tunnelPort} -j RETURN`, because('tunnelPort'));
  program.append(
    'nat',
    `ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports ${settings.outboundPort}`,
    because('outboundPort'),
  );
  program.append(
    'nat',
    `ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports ${settings.inboundPort}`,
    because('inboundPort'),
  );
  if (include !== '*' && include.length === 0) return;
  const cause = because('includeInboundPorts');
  if (mode === 'TPROXY') {
    program.append('mangle', `ISTIO_DIVERT -j MARK --set-mark ${tproxyMark}`, because('mode'));
    program.append('mangle', 'ISTIO_DIVERT -j ACCEPT', because('mode'));
    program.append(
      'mangle',
      `ISTIO_TPROXY ! -d ${loopback(context)} -p tcp -j TPROXY --tproxy-mark ${tproxyMark}/0xffffffff --on-port ${settings.inboundPort}`,
      because('mode'),
    );
  }
  program.append(table, 'PREROUTING -p tcp -j ISTIO_INBOUND', cause);
  if (include === '*') {
    // Exclusions only count where everything else is included.
    for (const port of settings.excludeInboundPorts)
      program.append(
        table,
        `ISTIO_INBOUND -p tcp --dport ${port} -j RETURN`,
        portCause(port, because('excludeInboundPorts')),
      );
  }
  for (const only of include === '*' ? [''] : include.map((port) => ` --dport ${port}`)) {
    if (mode === 'TPROXY')
      program.append(
        'mangle',
        `ISTIO_INBOUND -p tcp${only} -m conntrack --ctstate RELATED,ESTABLISHED -j ISTIO_DIVERT`,
        cause,
      );
    program.append(table, `ISTIO_INBOUND -p tcp${only} -j ${to}`, cause);
  }
}

/** Ports that Istio excludes by itself are nobody's annotation. */
function portCause(port: string, cause: string): string {
  return defaultSettings.excludeInboundPorts.includes(port) ? byDefault() : cause;
}

// ---- going out: OUTPUT → ISTIO_OUTPUT → ISTIO_REDIRECT → :15001 -----------------------------------------------------

function outbound(context: Context): void {
  const { settings, because, program, family } = context;
  const add = (rule: string, cause: string) => program.append('nat', `ISTIO_OUTPUT ${rule}`, cause);
  // An address without a length is passed over, as by Istio, which says so in the log of istio-init.
  const ranges = (list: string[]) =>
    list
      .filter((written) => written.includes('/'))
      .map(parseRange)
      .filter((range) => range?.family === family);
  program.append('nat', 'OUTPUT -j ISTIO_OUTPUT', byDefault());
  for (const port of settings.excludeOutboundPorts)
    for (const protocol of ['tcp', 'udp'])
      add(`-p ${protocol} --dport ${port} -j RETURN`, because('excludeOutboundPorts'));
  add(`-s ${family === '6' ? '::6/128' : '127.0.0.6/32'} -o lo -j RETURN`, byDefault());
  for (const uid of settings.proxyUids) leaveProxyAlone(context, '--uid-owner', uid);
  for (const gid of settings.proxyGids) leaveProxyAlone(context, '--gid-owner', gid);
  captureOwnerGroups(context);
  if (settings.captureDns) captureDns(context);
  add(`-d ${loopback(context)} -j RETURN`, because('loopbackCidr'));
  for (const range of ranges(settings.excludeOutboundRanges))
    add(`-d ${printRange(range!)} -j RETURN`, because('excludeOutboundRanges'));
  for (const port of settings.includeOutboundPorts)
    add(`-p tcp --dport ${port} -j ISTIO_REDIRECT`, because('includeOutboundPorts'));
  const included = settings.includeOutboundRanges;
  for (const to of included === '*' ? [''] : ranges(included).map((range) => `-d ${printRange(range!)} `)) {
    for (const nic of settings.virtualInterfaces)
      program.insert('nat', `PREROUTING -i ${nic} ${to}-j ISTIO_REDIRECT`, 0, because('virtualInterfaces'));
    add(`${to}-j ISTIO_REDIRECT`, because('includeOutboundRanges'));
  }
}

/** The proxy's own packets go straight out, but for its calls to this pod's own address: those pass the inbound side too. */
function leaveProxyAlone(context: Context, owner: '--uid-owner' | '--gid-owner', id: string): void {
  const { settings, because, program } = context;
  const cause = because(owner === '--uid-owner' ? 'proxyUids' : 'proxyGids');
  const add = (rule: string) => program.append('nat', `ISTIO_OUTPUT ${rule}`, cause);
  const dns = settings.captureDns;
  // Only the uid rule spares port 53: app → DNS proxy → name server must not become app → DNS proxy → inbound.
  const ports =
    dns && owner === '--uid-owner'
      ? `-m multiport ! --dports 53,${settings.tunnelPort}`
      : `! --dport ${settings.tunnelPort}`;
  add(`! -d ${loopback(context)} -o lo -p tcp ${ports} -m owner ${owner} ${id} -j ISTIO_IN_REDIRECT`);
  if (!includesLoopback(settings)) add(`-o lo ${dns ? '-p tcp ! --dport 53 ' : ''}-m owner ! ${owner} ${id} -j RETURN`);
  add(`-m owner ${owner} ${id} -j RETURN`);
}

/** Whoever lists a loopback address among the ranges to capture wants calls over lo captured. */
function includesLoopback({ includeOutboundRanges: included }: InterceptionSettings): boolean {
  if (included === '*') return false;
  return included.some((written) => /^(127\.[\d.]*\/|::1\/|0*:0*:0*:0*:0*:0*:0*:0*1\/)/.test(written));
}

function captureOwnerGroups({ settings, because, program }: Context): void {
  const { includeOwnerGroups: include, excludeOwnerGroups: exclude } = settings;
  if (include === '*') {
    for (const group of exclude)
      program.append('nat', `ISTIO_OUTPUT -m owner --gid-owner ${group} -j RETURN`, because('excludeOwnerGroups'));
    return;
  }
  const none = include.map((group) => `-m owner ! --gid-owner ${group} `).join('');
  program.append('nat', `ISTIO_OUTPUT ${none}-j RETURN`, because('includeOwnerGroups'));
}

// ---- DNS: ISTIO_OUTPUT_DNS → :15053 ---------------------------------------------------------------------------------

const dnsPort = '15053';

function captureDns({ settings, because, program, family }: Context): void {
  const cause = because('captureDns');
  const targets = dnsTargets(settings, family);
  if (targets.length > 0) program.append('nat', 'ISTIO_OUTPUT -j ISTIO_OUTPUT_DNS', cause);
  for (const protocol of ['tcp', 'udp'])
    for (const server of targets)
      program.append(
        'nat',
        `ISTIO_OUTPUT_DNS ${to('-d', server)}-p ${protocol} --dport 53 -j REDIRECT --to-ports ${dnsPort}`,
        cause,
      );
}

/** Question and answer of a proxied DNS request have equal addresses and ports: without zones conntrack mixes them up. */
function separateDnsConnections({ settings, because, program, family }: Context): void {
  const cause = because('captureDns');
  const add = (rule: string) => program.append('raw', rule, cause);
  const servers = dnsTargets(settings, family);
  if (servers.length > 0) add('PREROUTING -j ISTIO_INBOUND');
  add('OUTPUT -j ISTIO_OUTPUT_DNS');
  const owners = [
    ...settings.proxyUids.map((uid) => `--uid-owner ${uid}`),
    ...settings.proxyGids.map((gid) => `--gid-owner ${gid}`),
  ];
  for (const owner of owners) {
    add(`ISTIO_OUTPUT_DNS -p udp --dport 53 -m owner ${owner} -j CT --zone 1`);
    add(`ISTIO_OUTPUT_DNS -p udp --sport ${dnsPort} -m owner ${owner} -j CT --zone 2`);
  }
  for (const server of servers) {
    add(`ISTIO_OUTPUT_DNS ${to('-d', server)}-p udp --dport 53 -j CT --zone 2`);
    add(`ISTIO_INBOUND ${to('-s', server)}-p udp --sport 53 -j CT --zone 1`);
  }
}

/** The name servers of one family; one empty string for every address. */
function dnsTargets({ captureAllDns, dnsServers }: InterceptionSettings, family: '4' | '6'): string[] {
  if (captureAllDns) return [''];
  return dnsServers.flatMap((server) => {
    const range = parseRange(server);
    return range?.family === family ? [printRange(range)] : [];
  });
}

function to(option: '-s' | '-d', address: string): string {
  return address === '' ? '' : `${option} ${address} `;
}

// ---- TPROXY ---------------------------------------------------------------------------------------------------------

/** TPROXY keeps the client's address, so marks tell the proxy's own packets: app → proxy (1338) → proxy inbound (1337) → app. */
function markForTproxy(context: Context): void {
  const { settings, because, program, family } = context;
  const cause = because('mode');
  const { tproxyMark: mark } = settings;
  const add = (rule: string) => program.append('mangle', rule, cause);
  const insert = (rule: string, at: number) => program.insert('mangle', rule, at, cause);
  add(`PREROUTING -p tcp -m mark --mark ${mark} -j CONNMARK --save-mark`);
  add(`OUTPUT -o lo -p tcp -m mark --mark ${mark} -j RETURN`);
  const owners = [
    ...settings.proxyUids.map((uid) => `--uid-owner ${uid}`),
    ...settings.proxyGids.map((gid) => `--gid-owner ${gid}`),
  ];
  for (const owner of owners)
    add(`OUTPUT ! -d ${loopback(context)} -o lo -p tcp -m owner ${owner} -j MARK --set-mark ${mark + 1}`);
  add(`OUTPUT -p tcp -m connmark --mark ${mark} -j CONNMARK --restore-mark`);
  insert(`ISTIO_INBOUND -p tcp -m mark --mark ${mark} -j RETURN`, 0);
  insert(`ISTIO_INBOUND -s ${family === '6' ? '::6/128' : '127.0.0.6/32'} -i lo -p tcp -j RETURN`, 1);
  insert(`ISTIO_INBOUND -i lo -p tcp -m mark ! --mark ${mark + 1} -j RETURN`, 2);
}

function loopback({ settings, family }: Context): string {
  return family === '6' ? '::1/128' : settings.loopbackCidr;
}

// ---- the tables -----------------------------------------------------------------------------------------------------

/** Tables in the order of `iptables-save` (iptables-nft), each with its built-in chains. */
const builtInChains: Record<string, string[]> = {
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  raw: ['PREROUTING', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
};

/** Collects rules as a program gives them to iptables, and shows them as `iptables-save` does. */
export class Program {
  readonly #family: '4' | '6';
  readonly #tables = new Map<string, Map<string, ProgrammedRule[]>>();

  constructor(family: '4' | '6') {
    this.#family = family;
  }

  openTable(table: string): Map<string, ProgrammedRule[]> {
    let chains = this.#tables.get(table);
    if (!chains) {
      chains = new Map((builtInChains[table] ?? []).map((chain) => [chain, []]));
      this.#tables.set(table, chains);
    }
    return chains;
  }

  append(table: string, rule: string, cause: string): void {
    this.insert(table, rule, Infinity, cause);
  }

  /** @param at from 0. */
  insert(table: string, rule: string, at: number, cause: string): void {
    const command = parseRuleLine(`-A ${rule}`, { table, family: this.#family, verbatim: false });
    for (const parsed of command?.rules ?? []) {
      const chains = this.openTable(table);
      const chain = chains.get(parsed.chain) ?? [];
      chains.set(parsed.chain, chain);
      chain.splice(Math.min(at, chain.length), 0, { rule: parsed, cause });
    }
  }

  done(): Programmed {
    const rules: ProgrammedRule[] = [];
    const chains: IptablesChain[] = [];
    for (const [table, names] of Object.entries(builtInChains)) {
      const open = this.#tables.get(table);
      if (!open) continue;
      const own = [...open.keys()].filter((name) => !isBuiltIn(name)).sort();
      for (const name of [...names, ...own]) {
        const programmed = open.get(name) ?? [];
        rules.push(...programmed);
        const chain: IptablesChain = { table, name, rules: programmed.map(({ rule }) => rule) };
        if (isBuiltIn(name)) chain.policy = 'ACCEPT';
        chains.push(chain);
      }
    }
    return { ruleset: { format: 'iptables-save', family: this.#family, chains, warnings: [] }, rules };
  }
}
