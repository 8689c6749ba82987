/** `nft -j list ruleset` → what `nft list ruleset` prints of kube-proxy's tables, so that both are read in one way. */
type Json = Record<string, unknown>;

export function nftJsonToText(text: string): string {
  let objects: unknown;
  try {
    objects = JSON.parse(text);
  } catch {
    return '';
  }
  const list = asArray(Array.isArray(objects) ? objects : asObject(objects)['nftables']).map(asObject);
  const own = (object: Json) =>
    object['table'] === 'kube-proxy' && (object['family'] === 'ip' || object['family'] === 'ip6');
  const lines: string[] = [];
  for (const family of ['ip', 'ip6']) {
    const blocks = new Map<string, string[]>();
    for (const entry of list) {
      const [[kind = '', value] = []] = Object.entries(entry);
      const object = asObject(value);
      if (!own(object) || object['family'] !== family) continue;
      const name = asText(object['name']);
      if (kind === 'chain') blocks.set(`chain ${name}`, printHook(object));
      else if (kind === 'set' || kind === 'map') blocks.set(`${kind} ${name}`, printSet(object));
      else if (kind === 'rule') {
        const key = `chain ${asText(object['chain'])}`;
        blocks.set(key, [...(blocks.get(key) ?? []), printRule(object)]);
      }
    }
    if (blocks.size === 0) continue;
    lines.push(`table ${family} kube-proxy {`);
    for (const [head, body] of blocks) lines.push(`${head} {`, ...body, '}');
    lines.push('}');
  }
  return lines.join('\n');
}

function printHook({ type, hook, prio }: Json): string[] {
  return hook === undefined
    ? []
    : [`type ${asText(type)} hook ${asText(hook)} priority ${asText(prio)}; policy accept;`];
}

function printSet({ elem, timeout }: Json): string[] {
  const elements = asArray(elem).map((each) =>
    Array.isArray(each) ? `${printElement(each[0])} : ${printStatement(each[1])}` : printElement(each),
  );
  return [
    ...(timeout === undefined ? [] : [`timeout ${asText(timeout)}s`]),
    ...(elements.length ? [`elements = { ${elements.join(', ')} }`] : []),
  ];
}

function printElement(element: unknown): string {
  const wrapped = asObject(asObject(element)['elem']);
  if (wrapped['val'] === undefined) return printValue(element);
  const comment = wrapped['comment'];
  return `${printValue(wrapped['val'])}${typeof comment === 'string' ? ` comment ${JSON.stringify(comment)}` : ''}`;
}

function printRule({ expr, comment }: Json): string {
  const words = asArray(expr).map(printStatement);
  if (typeof comment === 'string') words.push(`comment ${JSON.stringify(comment)}`);
  return words.join(' ');
}

function printStatement(statement: unknown): string {
  const [[name = '', value] = []] = Object.entries(asObject(statement));
  const inner = asObject(value);
  switch (name) {
    case 'match': {
      const { op, left, right } = inner;
      const masked = asObject(left)['&'] !== undefined;
      const operator = op === '!=' ? '!= ' : masked ? '== ' : '';
      const isName = asObject(asObject(left)['meta'])['key'] === 'iifname';
      return `${printValue(left)} ${operator}${isName ? JSON.stringify(right) : printValue(right)}`;
    }
    case 'counter':
      return `counter packets ${asText(inner['packets'])} bytes ${asText(inner['bytes'])}`;
    case 'jump':
    case 'goto':
      return `${name} ${asText(inner['target'])}`;
    case 'mangle':
      return `${printValue(inner['key'])} set ${printValue(inner['value'])}`;
    case 'vmap':
      return `${printValue(inner['key'])} vmap ${printValue(inner['data'])}`;
    case 'set':
      return `${asText(inner['op'])} ${asText(inner['set'])} { ${printValue(inner['elem'])} }`;
    case 'dnat': {
      const address = printValue(inner['addr']);
      return `dnat to ${address.includes(':') ? `[${address}]` : address}:${printValue(inner['port'])}`;
    }
    case 'masquerade':
      return `masquerade ${asText(inner['flags'])}`.trim();
    default:
      return name;
  }
}

function printValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(printValue).join(',');
  if (typeof value !== 'object' || value === null) return asText(value);
  const [[name = '', held] = []] = Object.entries(value);
  const inner = asObject(held);
  switch (name) {
    case 'meta':
    case 'ct':
      return inner['key'] === 'iifname' ? 'iifname' : `${name} ${asText(inner['key'])}`;
    case 'payload':
      return `${asText(inner['protocol'])} ${asText(inner['field'])}`;
    case 'fib':
      return `fib ${asArray(inner['flags']).map(asText).join(' ') || asText(inner['flags'])} ${asText(inner['result'])}`;
    case 'numgen':
      return `numgen ${asText(inner['mode'])} mod ${asText(inner['mod'])}${inner['offset'] ? ` offset ${asText(inner['offset'])}` : ''}`;
    case 'prefix':
      return `${printValue(inner['addr'])}/${asText(inner['len'])}`;
    case 'range':
      return asArray(held).map(printValue).join('-');
    case 'concat':
      return asArray(held).map(printValue).join(' . ');
    case 'set':
      return `{ ${asArray(held)
        .map((each) =>
          Array.isArray(each) ? `${printValue(each[0])} : ${printStatement(each[1])}` : printElement(each),
        )
        .join(', ')} }`;
    case '&':
    case '|':
    case '^':
      return asArray(held).map(printValue).join(` ${name} `);
    default:
      return name;
  }
}

function asObject(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
