import type { IptablesRule, Match } from './ruleset.ts';

/** A word of an nft rule, and the same as `nft -j` writes it. */
interface Part {
  text: string;
  json: object;
}

/**
 * A rule in the words of nftables, as far as they are the same for every version: addresses, interfaces, protocols,
 * ports, owners, marks, states, verdicts and redirects. Undefined: it uses something else.
 */
export function toNftParts(rule: IptablesRule, withCounter: boolean): Part[] | undefined {
  const parts: Part[] = [];
  const needsProtocol = !rule.matches.some(({ option }) => option === '--dport' || option === '--sport');
  for (const found of rule.matches) {
    if (found.option === '-p' && !needsProtocol) continue;
    if (found.option === '' && (found.module === 'tcp' || found.module === 'udp')) continue;
    const part = found.option === '--comment' ? 'comment' : toMatch(found);
    if (!part) return undefined;
    if (part !== 'comment') parts.push(part);
  }
  if (withCounter) {
    const { packets, bytes } = rule.counters ?? { packets: 0, bytes: 0 };
    parts.push({ text: `counter packets ${packets} bytes ${bytes}`, json: { counter: { packets, bytes } } });
  }
  const verdict = toVerdict(rule);
  if (rule.target === undefined) return parts;
  return verdict && [...parts, verdict];
}

function toMatch({ module, option, values, negated }: Match): Part | undefined {
  const [value = ''] = values;
  const op = negated ? '!=' : '==';
  const make = (words: string, left: object, right: string, json: unknown = right): Part => ({
    text: `${words} ${negated ? '!= ' : ''}${right}`,
    json: { match: { op, left, right: json } },
  });
  const payload = (protocol: string, field: string, right: string, json?: unknown) =>
    make(`${protocol} ${field}`, { payload: { protocol, field } }, right, json ?? right);
  switch (option) {
    case '-s':
    case '-d': {
      const [addr = '', length = ''] = value.split('/');
      if (!/^\d*$/.test(length)) return undefined;
      const six = addr.includes(':');
      const single = length === (six ? '128' : '32');
      const json = single ? addr : { prefix: { addr, len: Number(length) } };
      return payload(six ? 'ip6' : 'ip', option === '-s' ? 'saddr' : 'daddr', single ? addr : value, json);
    }
    case '-i':
    case '-o': {
      const key = option === '-i' ? 'iifname' : 'oifname';
      const name = value.replace(/\+$/, '*');
      return make(key, { meta: { key } }, `"${name}"`, name);
    }
    case '-p':
      return make('meta l4proto', { meta: { key: 'l4proto' } }, value);
    case '--dport':
    case '--sport':
      if (module !== 'tcp' && module !== 'udp') return undefined;
      return payload(module, option.slice(2), value.replace(':', '-'), portsOf(value));
    case '--uid-owner':
    case '--gid-owner': {
      const key = option === '--uid-owner' ? 'skuid' : 'skgid';
      return /^\d+$/.test(value) ? make(`meta ${key}`, { meta: { key } }, value, Number(value)) : undefined;
    }
    case '--mark':
      if (!/^0x[0-9a-f]+$/.test(value)) return undefined;
      return make(
        module === 'mark' ? 'meta mark' : 'ct mark',
        module === 'mark' ? { meta: { key: 'mark' } } : { ct: { key: 'mark' } },
        `0x${value.slice(2).padStart(8, '0')}`,
        Number(value),
      );
    case '--ctstate':
      if (negated || !/^[A-Z,]+$/.test(value) || /NAT/.test(value)) return undefined;
      return {
        text: `ct state ${value.toLowerCase()}`,
        json: { match: { op: 'in', left: { ct: { key: 'state' } }, right: value.toLowerCase().split(',') } },
      };
    default:
      return undefined;
  }
}

function portsOf(written: string): unknown {
  const ports = written.split(':').map(Number);
  return ports.length === 1 ? ports[0] : { range: ports };
}

function toVerdict({ target = '', goto, targetOptions }: IptablesRule): Part | undefined {
  if (/^(ACCEPT|DROP|RETURN)$/.test(target)) {
    const verdict = target.toLowerCase();
    return { text: verdict, json: { [verdict]: null } };
  }
  const [first] = targetOptions;
  if (target === 'REDIRECT') {
    if (!first) return { text: 'redirect', json: { redirect: null } };
    const port = first.values[0] ?? '';
    if (first.option !== '--to-ports' || targetOptions.length > 1 || !/^\d+$/.test(port)) return undefined;
    return { text: `redirect to :${port}`, json: { redirect: { port: Number(port) } } };
  }
  const mark = /^(0x[0-9a-f]+)\/0xffffffff$/.exec(first?.values[0] ?? '')?.[1];
  if (target === 'MARK' && mark !== undefined && targetOptions.length === 1)
    return {
      text: `meta mark set 0x${mark.slice(2).padStart(8, '0')}`,
      json: { mangle: { key: { meta: { key: 'mark' } }, value: Number(mark) } },
    };
  if (first || knownTargets.test(target)) return undefined;
  const jump = goto ? 'goto' : 'jump';
  return { text: `${jump} ${target}`, json: { [jump]: { target } } };
}

/** Targets of iptables: everything else is a chain. */
const knownTargets =
  /^(MARK|CONNMARK|TPROXY|DNAT|SNAT|MASQUERADE|NETMAP|REJECT|LOG|NFLOG|ULOG|CT|NOTRACK|TOS|DSCP|TTL|HL|SET|QUEUE|NFQUEUE|TEE|TRACE|AUDIT|CLASSIFY|TCPMSS|CHECKSUM|SYNPROXY|SECMARK|CONNSECMARK|TCPOPTSTRIP|RATEEST|LED|IDLETIMER|HMARK|ECN|CLUSTERIP|DNPT|SNPT|MIRROR|SAME)$/;
