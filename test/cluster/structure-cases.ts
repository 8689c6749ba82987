/** Resources to hold our structure rules against an API server: sound ones by the schema, and what a slip makes of them. */
import { istioKinds, istioStructures } from '../../language/schema/structure.ts';
import type { Schema } from '../../language/schema/structure.ts';

export type Json = null | boolean | number | string | Json[] | JsonMap;
/** An interface, since a type may not hold itself in a record. */
export interface JsonMap {
  [name: string]: Json;
}

/** Numbers from 0 (inclusive) to 1, the same for the same seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

/** A resource of some kind and version, with some of the fields that its schema has. */
export function makeResource(random: Random): JsonMap {
  const kind = random.pick(istioKinds);
  const { group, versions, schema } = istioStructures[kind]!;
  return {
    apiVersion: `${group}/${random.pick(versions)}`,
    kind,
    metadata: { name: 'made' },
    spec: makeValue(schema.properties!.spec!, 'spec', random, 0),
  };
}

function makeValue(schema: Schema, name: string, random: Random, depth: number): Json {
  if (schema.enum) return random.pick(schema.enum);
  switch (schema.type) {
    case 'object':
      return makeMap(schema, name, random, depth);
    case 'array': {
      const count = Math.max(schema.minItems ?? 0, random.below(depth > 5 ? 2 : 3));
      return Array.from({ length: Math.min(count, schema.maxItems ?? count) }, () =>
        makeValue(schema.items ?? {}, name, random, depth + 1),
      );
    }
    case 'boolean':
      return random.chance(0.5);
    case 'integer':
      return random.pick([80, 443, 9080, 1, 100, 15021, 503]);
    case 'number':
      return random.pick([0, 0.5, 50, 100, 1e-3]);
    default:
      return makeText(schema, name, random);
  }
}

function makeMap(schema: Schema, name: string, random: Random, depth: number): Json {
  const map: JsonMap = {};
  const required = new Set(schema.required);
  const all = Object.entries(schema.properties ?? {});
  const share = Math.min(0.8, (depth === 0 ? 5 : 2.5) / all.length);
  const alternatives = [schema, ...(schema.allOf ?? [])].map(({ oneOf }) =>
    (oneOf ?? []).flatMap((c) => c.required ?? []),
  );
  const taken = new Set<string[]>();
  for (const [field, property] of all) {
    if (!required.has(field) && !random.chance(depth > 6 ? share / 3 : share)) continue;
    const group = alternatives.find((names) => names.includes(field));
    // Mostly one of them, as it should be.
    if (group && taken.has(group) && random.chance(0.95)) continue;
    if (group) taken.add(group);
    map[field] = makeValue(property, field, random, depth + 1);
  }
  if (typeof schema.additionalProperties === 'object') {
    for (let left = random.below(3); left > 0; left--) {
      map[random.pick(keysFor(name))] = makeValue(schema.additionalProperties, `${name}.{}`, random, depth + 1);
    }
  }
  if (schema['x-kubernetes-preserve-unknown-fields'] && random.chance(0.5)) map['whatever'] = { it: [1, 'is', null] };
  return map;
}

function keysFor(name: string): string[] {
  if (name === 'portLevelMtls') return ['80', '9080', '65535'];
  if (name === 'ports') return ['http', 'grpc-web', 'tcp1'];
  return ['app', 'version', 'x-user', 'app.kubernetes.io/name'];
}

const texts: [fields: RegExp, values: string[]][] = [
  [/(timeout|interval|duration|delay|time|ttl|backoff|maxAge|period|secs)$/i, ['5s', '250ms', '1m30s', '1h', '0.5s']],
  [/^(jwks_?uri)$/i, ['https://issuer.example.com/keys', 'http://keys.example.com']],
  [/^url$/, ['oci://ghcr.io/a/b:1', 'ghcr.io/a/b', 'https://example.com/a.wasm', 'file:///a.wasm']],
  [/^hosts?$/, ['reviews', 'reviews.shop.svc.cluster.local', '*.example.com', 'api.example.com']],
  [/^address$/, ['10.0.0.1', 'unix:///var/run/a.sock', 'vm.example.com']],
  [/^addresses$/, ['10.0.0.1', '10.0.0.0/8', '2001:db8::1']],
  [/^kind$/, ['Service', 'Gateway', 'ServiceEntry', 'GatewayClass']],
  [/^group$/, ['', 'core', 'gateway.networking.k8s.io', 'networking.istio.io']],
  [/^protocol$/, ['HTTP', 'TCP', 'TLS']],
  [/^bytes$/, ['aGVsbG8=', 'aGk=']],
  [/^sha256$/, ['', 'a'.repeat(64)]],
  [/^scheme$/, ['HTTP', 'HTTPS', 'https']],
  [/^namespace$/, ['', 'shop']],
];

function makeText({ minLength = 0, maxLength = 999 }: Schema, name: string, random: Random): string {
  const known = texts.find(([fields]) => fields.test(name))?.[1];
  const text = random.pick(known ?? ['v1', 'reviews', 'a-b', 'name', 'X-Header']);
  return text.length < minLength ? 'a'.repeat(minLength) : text.slice(0, maxLength);
}

/** Where a value stands: its holder, its key there, and what its schema says. */
interface Place {
  holder: JsonMap | Json[];
  key: string | number;
  schema: Schema | undefined;
}

/** Bends something in a copy of a resource. @returns the copy, and in words what was done. */
export function bend(resource: JsonMap, random: Random): { resource: JsonMap; what: string } {
  const copy = structuredClone(resource);
  const kind = copy.kind as keyof typeof istioStructures;
  const places = [...placesIn(copy, 'spec', istioStructures[kind]?.schema.properties?.spec)];
  if (places.length === 0 || random.chance(0.06)) return { resource: copy, what: bendMetadata(copy, random) };
  const place = random.pick(places);
  const what = random.pick(bends)(place, random) ?? 'nothing';
  return { resource: copy, what: `${String(place.key)}: ${what}` };
}

function* placesIn(holder: JsonMap | Json[], key: string | number, schema: Schema | undefined): Generator<Place> {
  const value = read({ holder, key });
  if (value === undefined) return;
  yield { holder, key, schema };
  if (Array.isArray(value)) {
    for (const index of value.keys()) yield* placesIn(value, index, schema?.items);
  } else if (typeof value === 'object' && value !== null) {
    const more = schema?.additionalProperties;
    for (const name of Object.keys(value)) {
      const property = Object.hasOwn(schema?.properties ?? {}, name) ? schema?.properties?.[name] : undefined;
      yield* placesIn(value, name, property ?? (typeof more === 'object' ? more : undefined));
    }
  }
}

function read({ holder, key }: Pick<Place, 'holder' | 'key'>): Json | undefined {
  return Array.isArray(holder) ? holder[key as number] : holder[key];
}

function write({ holder, key }: Place, value: Json): string {
  if (Array.isArray(holder)) holder[key as number] = value;
  else holder[key] = value;
  return `→ ${JSON.stringify(value)?.slice(0, 80)}`;
}

const numbers = [-1, 0, 1, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 31) - 1, 0.5, 100.5, 1e20];
const odd: Json[] = [
  ...[
    '',
    '*',
    'a*',
    ' ',
    '5',
    '0s',
    '1us',
    '999us',
    '1ms',
    '-5s',
    '5 s',
    '1h1m',
    '1d',
    '1.5.5s',
    'unix://a',
    'unix://',
  ],
  ...[
    'unix:///a/',
    'unix://@a',
    'unix:///a',
    '10.0.0.0/33',
    '10.0.0.0/8',
    'ftp://a.b',
    'http://',
    'http://a b',
    'http:',
  ],
  ...['https://a.b/c?d#e', '%zz', 'a/b', 'A_B', 'ä', '💡', 'x'.repeat(63), 'x'.repeat(64), 'x'.repeat(257), '-a', 'a-'],
  ...[
    '=',
    'aGk',
    'a\nb',
    'core',
    'Service',
    'Pod',
    'HTTP',
    'http',
    'UPSERT',
    'REMOVE',
    'HOST',
    'NONE',
    'STATIC',
    'DNS',
  ],
  ...[null, true, false, [], {}, [null], { a: 1 }, ['a'], 0, 1],
];
const oddKeys = ['', '*', 'a*', '0', '80', '65536', '-1', 'x', 'http_1', '-a', 'x'.repeat(63), 'a.b', 'ä', ' ', '08'];

const bends: ((place: Place, random: Random) => string | undefined)[] = [
  function drop({ holder, key }) {
    if (Array.isArray(holder)) holder.splice(key as number, 1);
    else Reflect.deleteProperty(holder, key);
    return 'dropped';
  },
  (place) => write(place, null),
  (place, random) => write(place, random.pick(numbers)),
  (place, random) => write(place, random.pick(odd)),
  (place, random) => write(place, random.pick(odd)),
  function quoteOrNot(place) {
    const value = read(place);
    if (typeof value === 'string') return write(place, Number(value) || 7);
    return typeof value === 'object' ? undefined : write(place, String(value));
  },
  function wrap(place) {
    const value = read(place)!;
    return write(place, Array.isArray(value) ? (value[0] ?? null) : [value]);
  },
  function rename({ holder, key }, random) {
    if (Array.isArray(holder)) return undefined;
    const name = random.pick([...oddKeys, `${key}s`, String(key).slice(1), String(key).toLowerCase(), `_${key}`]);
    const value = holder[key]!;
    Reflect.deleteProperty(holder, key);
    holder[name] = value;
    return `renamed to ${name}`;
  },
  function repeat({ holder, key }) {
    if (!Array.isArray(holder)) return undefined;
    holder.push(structuredClone(holder[key as number]!));
    return 'repeated';
  },
  function addField(place, random) {
    const value = read(place);
    const fields = Object.entries(place.schema?.properties ?? {});
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    if (fields.length === 0) {
      const name = random.pick(oddKeys);
      value[name] = Object.values(value)[0] ?? 'a';
      return `added ${name}`;
    }
    const [name, schema] = random.pick(fields);
    value[name] = makeValue(schema, name, random, 4);
    return `added ${name} ${JSON.stringify(value[name])?.slice(0, 80)}`;
  },
  function makeAnew(place, random) {
    return place.schema ? write(place, makeValue(place.schema, String(place.key), random, 3)) : undefined;
  },
  function otherWord(place, random) {
    const words = place.schema?.enum;
    if (!words) return undefined;
    return write(place, random.pick([...words, String(words[0]).toLowerCase(), `${words[0]}S`, 0]));
  },
  function tooMany(place) {
    const value = read(place);
    const most = place.schema?.maxItems ?? place.schema?.maxProperties;
    if (!most || most > 600 || typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value)) {
      const item = value[0] ?? 'a';
      return write(
        place,
        Array.from({ length: most + 1 }, () => structuredClone(item)),
      ).slice(0, 20);
    }
    for (let index = 0; index <= most; index++) value[`k${index}`] = Object.values(value)[0] ?? 'a';
    return `${most + 1} entries`;
  },
];

const names = [
  '',
  'A',
  'a_b',
  '-a',
  'a.b',
  'a.-b',
  'x'.repeat(253),
  'x'.repeat(254),
  'a b',
  'ä',
  '1',
  'a.',
  'a/b',
  7,
  null,
];
const labelKeys = [
  'a',
  'a/b',
  '/b',
  'a/',
  'a/b/c',
  'A.b/c',
  'a.b/C_d',
  'x'.repeat(63),
  'x'.repeat(64),
  '-a',
  '',
  'a b',
  'ä',
];
const labelValues = ['', 'a', 'a b', '-a', 'a-', 'a_b.C', 'x'.repeat(63), 'x'.repeat(64), '*', 'ä', null, 1, true, {}];

function bendMetadata(resource: JsonMap, random: Random): string {
  const metadata = (resource.metadata ??= {}) as JsonMap;
  const set = (name: string, value: Json) => {
    metadata[name] = value;
    return `metadata.${name} → ${JSON.stringify(value).slice(0, 80)}`;
  };
  const pair = () => ({ [random.pick(labelKeys)]: random.pick(labelValues) });
  return random.pick([
    () => set('name', random.pick(names)),
    () => set('labels', pair()),
    () => set('labels', pair()),
    () => set('annotations', pair()),
    () => set('annotations', pair()),
    () => set(random.pick(['labels', 'annotations', 'finalizers', 'ownerReferences', 'lable']), random.pick(odd)),
    () => {
      delete metadata.name;
      return `no name; ${set('generateName', random.pick(['a-', 'A-', '', null, 'a.']))}`;
    },
    () => set('finalizers', [random.pick(labelKeys)]),
    () => set('ownerReferences', [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: random.pick(['u', '', null]) }]),
    () => set(random.pick(['uid', 'resourceVersion', 'selfLink', 'creationTimestamp', 'generation']), random.pick(odd)),
    () => {
      resource[random.pick(['spce', 'status', 'specs', 'data', 'kind ', 'STATUS'])] = random.pick(odd);
      return 'a field beside spec';
    },
  ])();
}
