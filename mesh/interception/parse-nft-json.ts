import * as l10n from '@vscode/l10n';
import { addNftRule, nftFamily, warnOfHidden } from './parse-nft-text.ts';
import { lines } from './parse-save.ts';
import type { Family, Ruleset } from './ruleset.ts';
import { RulesetBuilder } from './ruleset-builder.ts';
import type { SourcePart } from './ruleset-builder.ts';

type Json = Record<string, unknown>;

/** Reads `nft -j list ruleset` by writing every rule as `nft` without `-j` does, so that both are read in one way. */
export function parseNftJson(text: string, part: SourcePart): Ruleset {
  const builder = new RulesetBuilder('nft-json', part);
  const hidden = new Set<string>();
  const from = jsonStart(text);
  const objects = readObjects(withoutNoise(text, from, builder), builder);
  for (const [key, { family, table }] of tablesOf(objects)) {
    builder.openTable(table, [], family);
    for (const [at, object] of objects.entries()) {
      builder.at(from, at);
      const chain = asObject(object['chain']);
      if (chain && keyOf(chain, 'table') === key) {
        const made = builder.chain(asText(chain['name']));
        if (typeof chain['hook'] === 'string') {
          made.policy = asText(chain['policy'] ?? 'accept').toUpperCase();
          const type = asText(chain['type']);
          made.hook = { type, hook: asText(chain['hook']), priority: Number(chain['prio'] ?? 0) };
        }
        builder.declared(made);
      }
      const set = asObject(object['set']) ?? asObject(object['map']);
      if (set && keyOf(set, 'table') === key) addSet(set, builder);
      const rule = asObject(object['rule']);
      if (!rule || keyOf(rule, 'table') !== key) continue;
      const words = asArray(rule['expr']).map(printStatement);
      if (typeof rule['comment'] === 'string') words.push(`comment ${JSON.stringify(rule['comment'])}`);
      addNftRule(words.join(' '), { table, family, chain: asText(rule['chain']) }, builder, hidden);
    }
  }
  warnOfHidden(builder, hidden);
  return builder.done();
}

/** Where the JSON begins: a prompt or what kubectl says may stand above it. */
function jsonStart(text: string): number {
  return Math.max(0, text.search(/^\s*(?:\{|\[\s*\{)/m));
}

/** The JSON alone; the lines around it are warned of. */
function withoutNoise(text: string, from: number, builder: RulesetBuilder): string {
  let stop = text.length;
  for (const { index } of text.matchAll(/[}\]][ \t\r]*$/gm)) stop = index + 1;
  let number = builder.lineNumber(0);
  for (const [line, start] of lines(text)) {
    number++;
    if (line.trim() !== '' && (start + line.length < from || start >= stop)) builder.warnings.addLine(number, line);
  }
  return text.slice(from, stop);
}

function addSet(set: Json, builder: RulesetBuilder): void {
  const type = Array.isArray(set['type']) ? set['type'].map(asText).join(' . ') : asText(set['type']);
  const data = Array.isArray(set['map']) ? set['map'].map(asText).join(' . ') : asText(set['map']);
  const elements = asArray(set['elem']).map(printElement).join(', ');
  builder.addSet(asText(set['name']), data === '' ? type : `${type} : ${data}`, elements);
}

function readObjects(text: string, builder: RulesetBuilder): Json[] {
  try {
    const whole = JSON.parse(text) as unknown;
    const list = Array.isArray(whole) ? whole : asObject(whole)?.['nftables'];
    if (Array.isArray(list)) return list.map((each) => asObject(each) ?? {});
    builder.warnings.add(l10n.t('This JSON has no "nftables" list; expected is the output of nft -j list ruleset.'));
  } catch (error) {
    builder.warnings.add(
      l10n.t(
        'The text begins like JSON but is not valid: {0}. Was the output of nft -j list ruleset cut off?',
        error instanceof Error ? error.message : String(error),
      ),
    );
  }
  return [];
}

/** Tables in order, by family and name: `ip nat` and `ip6 nat` are two. */
function tablesOf(objects: Json[]): Map<string, { family: Family; table: string }> {
  const tables = new Map<string, { family: Family; table: string }>();
  for (const object of objects) {
    const table = asObject(object['table']);
    const other = asObject(object['chain']) ?? asObject(object['rule']);
    const owner = table ?? other;
    const family = owner && nftFamily(asText(owner['family']));
    if (owner && family)
      tables.set(keyOf(owner, table ? 'name' : 'table'), { family, table: asText(owner[table ? 'name' : 'table']) });
  }
  return tables;
}

function keyOf(object: Json, name: 'table' | 'name'): string {
  return `${asText(object['family'])} ${asText(object[name])}`;
}

/** One member of `expr` as nft prints it. */
function printStatement(statement: unknown): string {
  const object = asObject(statement);
  const [name, value] = Object.entries(object ?? {})[0] ?? ['', undefined];
  const inner = asObject(value) ?? {};
  switch (name) {
    case 'match':
      return printMatch(inner);
    case 'counter':
      return `counter packets ${asText(inner['packets'] ?? 0)} bytes ${asText(inner['bytes'] ?? 0)}`;
    case 'jump':
    case 'goto':
      return `${name} ${asText(inner['target'])}`;
    case 'mangle':
      return `${printExpression(inner['key'])} set ${printExpression(inner['value'])}`;
    case 'xt':
      return `xt ${asText(inner['type'])} ${JSON.stringify(asText(inner['name']))}`;
    case 'redirect':
    case 'masquerade':
    case 'snat':
    case 'dnat':
    case 'tproxy':
      return printNat(name, inner);
    case 'reject':
      return inner['type'] === undefined
        ? 'reject'
        : `reject with ${asText(inner['type']) === 'tcp reset' ? 'tcp reset' : `${asText(inner['type'])} type ${printExpression(inner['expr'])}`}`;
    case 'log':
      return `log${Object.entries(inner)
        .map(([key, word]) => ` ${key} ${key === 'prefix' ? JSON.stringify(word) : asText(word)}`)
        .join('')}`;
    case 'limit':
      return `limit rate ${inner['inv'] === true ? 'over ' : ''}${asText(inner['rate'])}/${asText(inner['per'])}${inner['burst'] === undefined ? '' : ` burst ${asText(inner['burst'])} packets`}`;
    case 'quota':
      return `quota ${inner['inv'] === true ? 'over ' : ''}${asText(inner['val'])} ${asText(inner['val_unit'])}`;
    case 'ct count':
      return `ct count ${inner['inv'] === true ? 'over ' : ''}${asText(inner['val'])}`;
    case 'set':
      return `${asText(inner['op'])} ${asText(inner['set'])} { ${printExpression(inner['elem'])} }`;
    case 'vmap':
      return `${printExpression(inner['key'])} vmap ${printExpression(inner['data'])}`;
    default:
      return value === null || value === undefined ? name : `${name} ${printExpression(value)}`;
  }
}

function printMatch({ op, left, right }: Json): string {
  // Sets of flags (`ct state`) come as `in` with a plain value or an array.
  const operator = op === '==' || op === 'in' || op === undefined ? '' : `${asText(op)} `;
  const masked = asObject(left)?.['&'] !== undefined && operator === '' ? '== ' : operator;
  const value = Array.isArray(right)
    ? right.map(printExpression).join(',')
    : typeof right === 'string' && !right.startsWith('@')
      ? JSON.stringify(right)
      : printExpression(right);
  return `${printExpression(left)} ${masked}${value}`;
}

function printNat(name: string, { addr, port, flags, family }: Json): string {
  const address = printExpression(addr);
  const wrapped = address.includes(':') && port !== undefined ? `[${address}]` : address;
  const to =
    addr === undefined && port === undefined
      ? ''
      : ` to ${wrapped}${port === undefined ? '' : `:${printExpression(port)}`}`;
  const words = (Array.isArray(flags) ? flags : flags === undefined ? [] : [flags]).map(asText);
  return `${name}${typeof family === 'string' ? ` ${family}` : ''}${to}${words.length ? ` ${words.join(',')}` : ''}`;
}

function printExpression(expression: unknown): string {
  if (expression === undefined || expression === null) return '';
  if (Array.isArray(expression)) return expression.map(printExpression).join(',');
  const object = asObject(expression);
  if (!object) return asText(expression);
  const [name, value] = Object.entries(object)[0] ?? ['', undefined];
  const inner = asObject(value) ?? {};
  const list = asArray(value);
  switch (name) {
    case 'meta':
      return `meta ${asText(inner['key'])}`;
    case 'ct':
      return ['ct', ...(typeof inner['dir'] === 'string' ? [inner['dir']] : []), asText(inner['key'])].join(' ');
    case 'socket':
      return `socket ${asText(inner['key'])}`;
    case 'exthdr':
      return `exthdr ${asText(inner['name'])}${typeof inner['field'] === 'string' ? ` ${inner['field']}` : ''}`;
    case 'numgen':
      return `numgen ${asText(inner['mode'])} mod ${asText(inner['mod'])}${inner['offset'] ? ` offset ${asText(inner['offset'])}` : ''}`;
    case 'jhash':
    case 'symhash':
      return [
        name,
        ...(inner['expr'] === undefined ? [] : [printExpression(inner['expr'])]),
        'mod',
        asText(inner['mod']),
      ].join(' ');
    case 'map':
      return `${printExpression(inner['key'])} map ${printExpression(inner['data'])}`;
    case 'elem':
      return printExpression(inner['val']);
    case 'payload':
      return inner['protocol'] === undefined ? 'payload' : `${asText(inner['protocol'])} ${asText(inner['field'])}`;
    case 'fib':
      return `fib ${asArray(inner['flags']).map(asText).join(' . ') || asText(inner['flags'])} ${asText(inner['result'])}`;
    case 'prefix':
      return `${printExpression(inner['addr'])}/${asText(inner['len'])}`;
    case 'range':
      return list.map(printExpression).join('-');
    case 'set':
      return `{ ${(list.length ? list : [value]).map(printElement).join(', ')} }`;
    case 'concat':
      return list.map(printExpression).join(' . ');
    case '&':
    case '|':
    case '^':
    case '<<':
    case '>>':
      return list.map(printExpression).join(` ${name} `);
    default:
      return name;
  }
}

/** An element of a set; of a map, `key : verdict` or `key : value`. */
function printElement(element: unknown): string {
  if (!Array.isArray(element)) return printExpression(element);
  const [key, value] = element as unknown[];
  const [name = ''] = Object.keys(asObject(value) ?? {});
  const isVerdict = /^(accept|drop|return|continue|jump|goto)$/.test(name);
  return `${printExpression(key)} : ${isVerdict ? printStatement(value) : printExpression(value)}`;
}

function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
