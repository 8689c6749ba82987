import { lookup } from '../../lookup.ts';

/**
 * A rule of native nftables as a program: what nft prints for it, word by word.
 *
 *     ip daddr . meta l4proto . th dport vmap @service-ips
 *     meta l4proto tcp tproxy to :15006 meta mark set 0x00000539 accept
 */
export type NftTerm =
  /** What a packet has: `ip daddr`, `meta mark`, `ct original ip daddr`, `fib daddr type`. */
  | { kind: 'field'; name: string }
  /** `0x111`, `"eth*"`, `10.0.0.0/8`, `established,related`; the field beside it says how to read it. */
  | { kind: 'literal'; text: string }
  | { kind: 'operation'; operator: string; left: NftTerm; right: NftTerm }
  | { kind: 'concatenation'; parts: NftTerm[] }
  /** `numgen random mod 3`, `jhash ip saddr mod 4`: a number below `modulus` that nobody can foretell. */
  | { kind: 'chance'; text: string }
  | { kind: 'map'; key: NftTerm; of: NftElements };

/** Elements written in the rule, or the name of a set beside it. */
export type NftElements = { named: string } | { elements: NftElement[] };

/** `10.0.0.0/8 . 80-90 : goto web`: parts of the key, and what a map holds for it. */
export interface NftElement {
  key: string[];
  value?: string;
}

export type NftStatement =
  | { kind: 'match'; left: NftTerm; operator: string; right: NftTerm | NftElements; text: string }
  | { kind: 'verdict'; verdict: string; chain?: string }
  | { kind: 'verdict-map'; key: NftTerm; elements: NftElements; text: string }
  | { kind: 'set'; field: string; value: NftTerm; text: string }
  /** `redirect`, `dnat`, `tproxy`, …: the words behind it, and the address where it is worked out by a map. */
  | { kind: 'action'; name: string; words: string[]; to?: NftTerm }
  /** Counters, logs, comments: nothing for the packet's way. */
  | { kind: 'nothing' }
  /** Lets a packet through up to a rate or an amount. */
  | { kind: 'meter'; name: string; over: boolean; text: string }
  /** What is not known here; the rest of the rule with it. */
  | { kind: 'unknown'; text: string };

const metaKeys =
  /^(length|protocol|nfproto|l4proto|priority|mark|iif|oif|iifname|oifname|iiftype|oiftype|iifkind|oifkind|skuid|skgid|nftrace|rtclassid|ibrname|obrname|pkttype|cpu|iifgroup|oifgroup|cgroup|random|secpath|ipsec|time|day|hour|sdif|sdifname|broute)$/;
const bareMetaKeys = /^(iif|oif|iifname|oifname|iiftype|oiftype|skuid|skgid|pkttype|iifgroup|oifgroup|cpu|rtclassid)$/;
const ports = ['sport', 'dport', 'checksum', 'length', 'vtag', 'type'];
/** Header and field: the header's name alone may also be a value, as in `meta l4proto tcp tcp dport 80`. */
const headers: Record<string, string[]> = {
  ip: [
    'version',
    'hdrlength',
    'dscp',
    'ecn',
    'length',
    'id',
    'frag-off',
    'ttl',
    'protocol',
    'checksum',
    'saddr',
    'daddr',
  ],
  ip6: ['version', 'dscp', 'ecn', 'flowlabel', 'length', 'nexthdr', 'hoplimit', 'saddr', 'daddr'],
  tcp: [...ports, 'sequence', 'ackseq', 'doff', 'reserved', 'flags', 'window', 'urgptr', 'option'],
  udp: ports,
  udplite: ports,
  sctp: ports,
  dccp: ports,
  th: ports,
  icmp: ['type', 'code', 'checksum', 'id', 'sequence', 'gateway', 'mtu'],
  icmpv6: ['type', 'code', 'checksum', 'parameter-problem', 'packet-too-big', 'id', 'sequence', 'max-delay'],
  igmp: ['type', 'checksum', 'mrt', 'group'],
  ether: ['saddr', 'daddr', 'type'],
  vlan: ['id', 'dei', 'pcp', 'type'],
  arp: ['htype', 'ptype', 'hlen', 'plen', 'operation'],
  ah: ['nexthdr', 'hdrlength', 'reserved', 'spi', 'sequence'],
  esp: ['spi', 'sequence'],
  comp: ['nexthdr', 'flags', 'cpi'],
  frag: ['nexthdr', 'reserved', 'frag-off', 'more-fragments', 'id'],
  rt: ['classid', 'nexthop', 'mtu', 'nexthdr', 'type', 'seg-left'],
};
const comparisons = /^(==|!=|<|>|<=|>=|eq|ne|lt|gt|le|ge|!)$/;
const operators: Record<string, string> = {
  '&': '&',
  '|': '|',
  '^': '^',
  and: '&',
  or: '|',
  xor: '^',
  '<<': '<<',
  '>>': '>>',
};
const levels = [['|'], ['^'], ['&'], ['<<', '>>']];

/** Reads one rule. What is not known ends the reading: whoever runs it cannot know more. */
export function readNftProgram(text: string): NftStatement[] {
  const words = text.match(/"(?:\\.|[^"\\])*"|[{}()]|[^\s{}(),]+(?:,[^\s{}(),]+)*|,/g) ?? [];
  const reader = new Reader(words);
  const statements: NftStatement[] = [];
  while (!reader.done) {
    const start = reader.at;
    const statement = reader.statement();
    if (!statement || reader.at === start) {
      statements.push({ kind: 'unknown', text: words.slice(start).join(' ') });
      break;
    }
    statements.push(statement);
  }
  return statements;
}

/** Reads the elements of a named set: the words between the braces. */
export function readNftElements(text: string): NftElement[] {
  return new Reader(text.match(/"(?:\\.|[^"\\])*"|[{}()]|[^\s{}(),]+|,/g) ?? []).elementList();
}

class Reader {
  at = 0;
  readonly #words: readonly string[];

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  get done(): boolean {
    return this.at >= this.#words.length;
  }

  statement(): NftStatement | undefined {
    const start = this.at;
    const word = this.#next();
    switch (word) {
      case 'counter':
        if (this.#peek() === 'packets') this.at += 4;
        else if (this.#peek() === 'name') this.at += 2;
        else if (this.#peek()?.startsWith('"')) this.at++;
        return { kind: 'nothing' };
      case 'comment':
        this.at++;
        return { kind: 'nothing' };
      case 'last':
        if (this.#peek() === 'used') this.at += 2;
        return { kind: 'nothing' };
      case 'accept':
      case 'drop':
      case 'return':
      case 'continue':
        return { kind: 'verdict', verdict: word };
      case 'jump':
      case 'goto':
        return { kind: 'verdict', verdict: word, chain: unquoted(this.#next()) };
      case 'notrack':
        return { kind: 'action', name: word, words: [] };
      case 'log':
        this.#log();
        return { kind: 'nothing' };
      case 'add':
      case 'update':
      case 'delete':
        return this.#update();
      case 'limit':
      case 'quota':
        return this.#meter(word, start);
      case 'reject':
      case 'queue':
        this.#skip(
          /^(with|tcp|reset|icmp|icmpv6|icmpx|type|flags|to|num|bypass|fanout|\d+(-\d+)?|[a-z]+-[a-z-]+|host-.*|no-route|.*,.*)$/,
        );
        return { kind: 'action', name: word, words: this.#since(start) };
      case 'redirect':
      case 'masquerade':
      case 'snat':
      case 'dnat':
      case 'tproxy':
        return this.#translation(word);
      case 'flow':
      case 'synproxy':
      case 'dup':
      case 'fwd':
        return undefined;
      case 'ct':
        if (this.#peek() === 'count') {
          this.at++;
          return this.#meter('ct count', start);
        }
    }
    this.at = start;
    return this.#setting() ?? this.#match();
  }

  /** `log prefix "x" group 2 flags tcp sequence,options` */
  #log(): void {
    for (;;) {
      const word = this.#peek() ?? '';
      if (/^(prefix|level|group|snaplen|queue-threshold)$/.test(word)) this.at += 2;
      else if (word === 'flags') this.at += /^(tcp|ip)$/.test(this.#words[this.at + 1] ?? '') ? 3 : 2;
      else return;
    }
  }

  /** `update @seen { ip saddr timeout 5s }`: writes down, and goes on. */
  #update(): NftStatement | undefined {
    const set = this.#next();
    if (!set.startsWith('@') || this.#peek() !== '{') return undefined;
    this.#braces();
    return { kind: 'nothing' };
  }

  /** `limit rate over 5/second burst 10 packets`, `quota over 25 mbytes`, `ct count over 20` */
  #meter(name: string, start: number): NftStatement {
    this.#skip(/^(rate|over|until|name|used|burst|packets|bytes|kbytes|mbytes|".*"|\d+|\d+\/\w+|\d*[km]?bytes\/\w+)$/);
    const words = this.#since(start);
    return { kind: 'meter', name, over: words.includes('over'), text: words.join(' ') };
  }

  #translation(name: string): NftStatement | undefined {
    const words: string[] = [];
    let to: NftTerm | undefined;
    const before = /^(ip|ip6|prefix|to|addr|port|\.|interval)$/;
    while (before.test(this.#peek() ?? '') && !(words.includes('to') && lookup(headers, this.#peek() ?? '')))
      words.push(this.#next());
    if (words.includes('to')) {
      const address = this.#peek() ?? '';
      const ahead = this.#words[this.at + 1];
      if (/^(\d|:|\[|[0-9a-f]*:[0-9a-f:])/i.test(address) && ahead !== 'map' && ahead !== '.') words.push(this.#next());
      else {
        to = this.#concatenation();
        if (!to) return undefined;
      }
      // `to ip daddr map { … }`, `to 10.0.0.1 : tcp dport map { … }`: more than an address.
      if (this.#peek() === ':') return undefined;
    }
    while (/^(random|fully-random|persistent)(,.*)?$/.test(this.#peek() ?? '')) words.push(this.#next());
    return { kind: 'action', name, words, ...(to ? { to } : {}) };
  }

  /** `meta mark set ct mark & 0xff` */
  #setting(): NftStatement | undefined {
    const start = this.at;
    const field = this.#field();
    if (field && this.#peek() === 'set') {
      this.at++;
      const value = this.#concatenation();
      if (value) return { kind: 'set', field, value, text: this.#since(start).join(' ') };
    }
    this.at = start;
    return undefined;
  }

  #match(): NftStatement | undefined {
    const start = this.at;
    const left = this.#concatenation();
    if (!left || left.kind === 'literal') return undefined;
    const text = () => this.#since(start).join(' ');
    if (this.#peek() === 'vmap') {
      this.at++;
      const elements = this.#elements();
      return elements && { kind: 'verdict-map', key: left, elements, text: text() };
    }
    const operator = comparisons.test(this.#peek() ?? '') ? this.#next() : '';
    const right = this.#elements() ?? this.#concatenation();
    if (!right) return undefined;
    // `tcp flags syn / fin,syn,rst,ack`: the mask stands behind.
    if (this.#peek() === '/' && !('named' in right) && !('elements' in right)) {
      this.at++;
      const mask = this.#concatenation();
      if (!mask) return undefined;
      const masked: NftTerm = { kind: 'operation', operator: '&', left, right: mask };
      return { kind: 'match', left: masked, operator: operator === '' ? '==' : operator, right, text: text() };
    }
    return { kind: 'match', left, operator, right, text: text() };
  }

  #concatenation(): NftTerm | undefined {
    const first = this.#binary(0);
    if (!first) return undefined;
    const parts = [first];
    while (this.#peek() === '.') {
      this.at++;
      const part = this.#binary(0);
      if (!part) return undefined;
      parts.push(part);
    }
    const key: NftTerm = parts.length === 1 ? first : { kind: 'concatenation', parts };
    if (this.#peek() !== 'map') return key;
    this.at++;
    const elements = this.#elements();
    return elements && { kind: 'map', key, of: elements };
  }

  #binary(level: number): NftTerm | undefined {
    const own = levels[level];
    if (!own) return this.#single();
    let left = this.#binary(level + 1);
    for (let operator = this.#operator(own); left && operator; operator = this.#operator(own)) {
      const right = this.#binary(level + 1);
      left = right && { kind: 'operation', operator, left, right };
    }
    return left;
  }

  #operator(own: string[]): string | undefined {
    const word = this.#peek() ?? '';
    const operator = Object.hasOwn(operators, word) ? operators[word] : undefined;
    if (operator === undefined || !own.includes(operator)) return undefined;
    this.at++;
    return operator;
  }

  #single(): NftTerm | undefined {
    if (this.#peek() === '(') {
      this.at++;
      const inner = this.#binary(0);
      if (this.#peek() !== ')') return undefined;
      this.at++;
      return inner;
    }
    const start = this.at;
    const word = this.#peek() ?? '';
    if (word === 'numgen' || word === 'jhash' || word === 'symhash') {
      const modulus = this.#words.indexOf('mod', start);
      if (modulus < 0) return undefined;
      this.at = modulus + 2;
      while (this.#peek() === 'offset' || this.#peek() === 'seed') this.at += 2;
      return { kind: 'chance', text: this.#since(start).join(' ') };
    }
    const field = this.#field();
    if (field !== undefined) return { kind: 'field', name: field };
    if (word === '' || /^[{}(),]$/.test(word) || comparisons.test(word) || Object.hasOwn(operators, word))
      return undefined;
    if (word.startsWith('@')) return undefined;
    this.at++;
    return { kind: 'literal', text: unquoted(word) };
  }

  /** The name of what a packet has: `meta mark` stands for both spellings. */
  #field(): string | undefined {
    const start = this.at;
    const word = this.#peek() ?? '';
    const after = this.#words[start + 1] ?? '';
    const take = (count: number, name = this.#words.slice(start, start + count).join(' ')) => {
      this.at = start + count;
      return name;
    };
    if (word === 'meta' && metaKeys.test(after)) return take(2);
    if (bareMetaKeys.test(word)) return take(1, `meta ${word}`);
    if (word === 'mark') return take(1, 'meta mark');
    if (word === 'ct') {
      const directed = after === 'original' || after === 'reply' ? 1 : 0;
      const third = this.#words[start + 1 + directed] ?? '';
      return take(2 + directed + (third === 'ip' || third === 'ip6' ? 1 : 0));
    }
    if (word === 'fib') {
      let end = start + 2;
      while (this.#words[end] === '.') end += 2;
      return take(end + 1 - start);
    }
    if (word === 'socket') return take(after === 'cgroupv2' ? 4 : 2);
    if (word === 'exthdr') return take(2);
    return lookup(headers, word)?.includes(after) ? take(2) : undefined;
  }

  #elements(): NftElements | undefined {
    const word = this.#peek() ?? '';
    if (word.startsWith('@') && word.length > 1 && !word.includes(',')) {
      this.at++;
      return { named: word.slice(1) };
    }
    return word === '{' ? { elements: this.#braces() } : undefined;
  }

  #braces(): NftElement[] {
    this.at++;
    const elements = this.elementList();
    this.at++;
    return elements;
  }

  /** Up to the closing brace. */
  elementList(): NftElement[] {
    const elements: NftElement[] = [];
    let key: string[] = [];
    let value: string[] | undefined;
    let extra = false;
    const end = () => {
      if (key.length) elements.push(value ? { key, value: value.join(' ') } : { key });
      key = [];
      value = undefined;
      extra = false;
    };
    for (; !this.done && this.#peek() !== '}'; this.at++) {
      const word = this.#peek() ?? '';
      if (word === ',') end();
      else if (word === ':') value = [];
      else if (value) value.push(unquoted(word));
      else if (/^(timeout|expires|comment|counter|limit|quota)$/.test(word)) extra = true;
      else if (!extra && word !== '.') {
        // `{80,443}`, as people write it: nft itself prints a space behind each comma.
        const [first = '', ...more] = word.startsWith('"') ? [unquoted(word)] : word.split(',');
        key.push(first);
        for (const next of more) {
          end();
          key = [next];
        }
      }
    }
    end();
    return elements;
  }

  #skip(pattern: RegExp): void {
    while (pattern.test(this.#peek() ?? '')) this.at++;
  }

  #since(start: number): string[] {
    return this.#words.slice(start, this.at);
  }

  #peek(): string | undefined {
    return this.#words[this.at];
  }

  #next(): string {
    return this.#words[this.at++] ?? '';
  }
}

function unquoted(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word;
}
