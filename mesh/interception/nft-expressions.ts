/**
 * A rule of `nft list ruleset` as a list of what it looks at and what it does.
 *
 *     oifname "lo" ip daddr != 127.0.0.1 tcp dport != 15008 meta skuid 1337 counter packets 1 bytes 60 jump istio-in-redirect
 */
export type NftExpression =
  /** `tcp dport != { 53, 15008 }` → key `tcp dport`, negated, values `53` and `15008`. */
  | { kind: 'match'; key: string; mask?: string; operator: string; values: string[] }
  /** `meta mark set …`, `ct mark set …`, `ct zone set …` */
  | { kind: 'set'; key: string; value: string }
  | { kind: 'counter'; packets: number; bytes: number }
  | { kind: 'verdict'; verdict: string; chain?: string }
  /** `redirect to :15001`, `reject with tcp reset`, `log prefix "x"`: name and the words after it. */
  | { kind: 'statement'; name: string; words: string[] }
  /** A match or target of iptables-nft that nft cannot translate: it shows only its name. */
  | { kind: 'xt'; type: string; name: string }
  | { kind: 'comment'; text: string }
  | { kind: 'other'; text: string };

const metaKeys = new Set([
  'iifname',
  'oifname',
  'iif',
  'oif',
  'skuid',
  'skgid',
  'pkttype',
  'mark',
  'l4proto',
  'nfproto',
  'protocol',
  'length',
  'cgroup',
  'hour',
  'day',
  'time',
  'random',
  'iiftype',
  'oiftype',
  'priority',
  'rtclassid',
  'cpu',
  'iifgroup',
  'oifgroup',
  'secpath',
  'iifkind',
  'oifkind',
  'ibrname',
  'obrname',
]);
const bareMetaKeys = new Set([
  'iifname',
  'oifname',
  'iif',
  'oif',
  'skuid',
  'skgid',
  'pkttype',
  'iiftype',
  'oiftype',
  'iifgroup',
  'oifgroup',
  'rtclassid',
  'cpu',
]);
const headers = new Set([
  'ip',
  'ip6',
  'tcp',
  'udp',
  'udplite',
  'sctp',
  'dccp',
  'th',
  'icmp',
  'icmpv6',
  'ether',
  'ct',
  'socket',
  'ah',
  'esp',
  'vlan',
  'arp',
]);
const verdicts = new Set(['accept', 'drop', 'return', 'continue', 'queue']);
const statements = new Set(['redirect', 'masquerade', 'snat', 'dnat', 'tproxy', 'reject', 'log', 'notrack', 'limit']);
const operators = new Set(['==', '!=', '<', '>', '<=', '>=']);

/** Reads one rule; what is not understood stays as `other`, in its place. */
export function readNftRule(text: string): NftExpression[] {
  const words = text.match(/"(?:\\.|[^"\\])*"|\{[^}]*\}|[^\s{}]+|[{}]/g) ?? [];
  const found: NftExpression[] = [];
  for (let at = 0; at < words.length;) {
    const step = readStatement(words, at) ?? readMatch(words, at);
    if (step) {
      found.push(step.expression);
      at = step.next;
      continue;
    }
    const last = found.at(-1);
    if (last?.kind === 'other') last.text += ` ${words[at]!}`;
    else found.push({ kind: 'other', text: words[at]! });
    at++;
  }
  return found;
}

interface Step {
  expression: NftExpression;
  next: number;
}

function readStatement(words: string[], at: number): Step | undefined {
  const word = words[at]!;
  const after = words[at + 1];
  if (word === 'counter') {
    if (after !== 'packets')
      return { expression: { kind: 'counter', packets: 0, bytes: 0 }, next: at + (after === 'name' ? 3 : 1) };
    return {
      expression: { kind: 'counter', packets: Number(words[at + 2] ?? 0) || 0, bytes: Number(words[at + 4] ?? 0) || 0 },
      next: at + 5,
    };
  }
  if ((word === 'jump' || word === 'goto') && after !== undefined)
    return { expression: { kind: 'verdict', verdict: word, chain: after }, next: at + 2 };
  if (verdicts.has(word)) return { expression: { kind: 'verdict', verdict: word }, next: at + 1 };
  if (word === 'xt' && after !== undefined && words[at + 2] !== undefined)
    return { expression: { kind: 'xt', type: after, name: unquote(words[at + 2]!) }, next: at + 3 };
  if (word === 'comment' && after?.startsWith('"'))
    return { expression: { kind: 'comment', text: unquote(after) }, next: at + 2 };
  if ((word === 'meta' || word === 'ct') && words[at + 2] === 'set') {
    const end = endOfValue(words, at + 3);
    return {
      expression: { kind: 'set', key: `${word} ${after ?? ''}`, value: words.slice(at + 3, end).join(' ') },
      next: end,
    };
  }
  if (!statements.has(word)) return undefined;
  const end = endOfStatement(words, at + 1);
  return { expression: { kind: 'statement', name: word, words: words.slice(at + 1, end).map(unquote) }, next: end };
}

/** `mark and 0xfffff000 xor 0x539`, `meta mark | 0x111`, `ct mark & 0xfff` */
function endOfValue(words: string[], start: number): number {
  let at = start;
  if (words[at] === 'meta' || words[at] === 'ct') at++;
  at++;
  while (/^(and|or|xor|&|\||\^)$/.test(words[at] ?? '')) at += 2;
  return Math.min(at, words.length);
}

const statementWords =
  /^(to|with|ip|ip6|random|fully-random|persistent|random,.*|fully-random,.*|persistent,.*|prefix|level|group|snaplen|queue-threshold|flags|all|tcp|reset|icmp|icmpv6|icmpx|type|rate|over|burst|packets|bytes|port-unreachable|host-unreachable|net-unreachable|prot-unreachable|host-prohibited|net-prohibited|admin-prohibited|no-route|addr-unreachable|".*"|\d.*|:\d.*|\[.*|[0-9a-f]*:[0-9a-f:.]+|emerg|alert|crit|err|warn|notice|info|debug)$/;

function endOfStatement(words: string[], start: number): number {
  let at = start;
  while (at < words.length && statementWords.test(words[at]!)) at++;
  return at;
}

function readMatch(words: string[], start: number): Step | undefined {
  const key = readKey(words, start);
  if (!key) return undefined;
  let at = key.next;
  if (words[at] === '.' || words[at] === 'vmap' || words[at] === 'map') return readConcatenation(words, start, at);
  const match: Extract<NftExpression, { kind: 'match' }> = { kind: 'match', key: key.name, operator: '==', values: [] };
  if (words[at] === '&' || words[at] === 'and') {
    match.mask = words[at + 1] ?? '';
    at += 2;
  }
  if (operators.has(words[at] ?? '')) {
    match.operator = words[at]!;
    at++;
  }
  const value = words[at];
  if (value === undefined || value === '.' || value === 'vmap' || value === 'map' || value.startsWith('@'))
    return undefined;
  match.values = value.startsWith('{')
    ? value
        .slice(1, -1)
        .split(',')
        .map((each) => unquote(each.trim()))
    : [unquote(value)];
  at++;
  // `tcp flags syn / fin,syn,rst,ack`: the mask stands behind.
  if (words[at] === '/' && words[at + 1] !== undefined) {
    match.mask = words[at + 1]!;
    at += 2;
  }
  return { expression: match, next: at };
}

/** `ip daddr . meta l4proto . th dport vmap @service-ips`: iptables has nothing like it, so it stays as it is, in one piece. */
function readConcatenation(words: string[], start: number, dot: number): Step {
  let at = dot;
  while (words[at] === '.') at = readKey(words, at + 1)?.next ?? at + 2;
  if (words[at] === 'vmap' || words[at] === 'map' || operators.has(words[at] ?? '')) at++;
  at++;
  return { expression: { kind: 'other', text: words.slice(start, at).join(' ') }, next: Math.min(at, words.length) };
}

function readKey(words: string[], at: number): { name: string; next: number } | undefined {
  const word = words[at]!;
  const after = words[at + 1];
  if (word === 'meta' && after !== undefined && metaKeys.has(after)) return { name: after, next: at + 2 };
  if (bareMetaKeys.has(word)) return { name: word, next: at + 1 };
  if (word === 'fib' && after !== undefined && words[at + 2] === 'type')
    return { name: `fib ${after} type`, next: at + 3 };
  if (headers.has(word) && after !== undefined && /^[a-z-]+$/.test(after))
    return { name: `${word} ${after}`, next: at + 2 };
  return undefined;
}

function unquote(word: string): string {
  return word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word;
}
