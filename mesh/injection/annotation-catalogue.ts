import { formats, replacements } from './annotation-formats.ts';
import { checkValue, type ValueProblem, type YamlParser } from './annotation-values.ts';
import { editDistance } from '../near-miss.ts';
import type { Carrier, CatalogueEntry } from './catalogue-entry.ts';
import data from './istio-annotations.json' with { type: 'json' };

export type { Carrier, CatalogueEntry } from './catalogue-entry.ts';
export { describeEntry, type EntryWords } from './annotation-words.ts';
export {
  describeFormat,
  parseGoBool,
  type ValueFormat,
  type ValueProblem,
  type YamlParser,
} from './annotation-values.ts';

/** Every Istio annotation and label, by name. Source: the annotation and label tables of istio/api. */
export const catalogue: readonly CatalogueEntry[] = [
  ...(data.annotations as Row[]).map((row) => toEntry('annotation', row)),
  ...(data.labels as Row[]).map((row) => toEntry('label', row)),
  // The oldest label of all is in no table: it exists only in the selectors of the injector's webhooks.
  toEntry('label', { name: 'istio-injection', status: 'Stable', resources: ['Namespace'] }),
];

const byName = new Map(catalogue.map((entry) => [`${entry.carrier} ${entry.name}`, entry]));

/** The entry of that name. Some names are both annotation and label: without `carrier` the annotation comes first. */
export function findCatalogueEntry(name: string, carrier?: Carrier): CatalogueEntry | undefined {
  if (carrier) return byName.get(`${carrier} ${name}`);
  return byName.get(`annotation ${name}`) ?? byName.get(`label ${name}`);
}

/**
 * Whether Istio feels responsible for an annotation of this name, so that not knowing it is worth a word:
 * its prefix ends in `istio.io`, whatever stands before that.
 */
export function isIstioName(name: string): boolean {
  return (name.split('/')[0] ?? '').endsWith('istio.io') || name === 'kubernetes.io/ingress.class';
}

/** Whether the entry belongs on the metadata of this kind (`Pod` stands for pod templates too). */
export function mayStandOn(entry: CatalogueEntry, kind: string): boolean {
  return entry.resources.includes('Any') || entry.resources.includes(kind);
}

/**
 * Undefined if the injector accepts this value; else what is wrong, and where inside the value.
 * `proxy.istio.io/config` is looked into only if the caller brings a YAML parser.
 */
export function checkAnnotationValue(
  entry: CatalogueEntry,
  value: string,
  parseYaml?: YamlParser,
): ValueProblem | undefined {
  return entry.format ? checkValue(entry.format, value, parseYaml) : undefined;
}

/**
 * The known name that was probably meant: other capitals, dashes instead of capitals, a wrong or misspelt prefix, a slip
 * of typing. Undefined if nothing is near enough, or if the name is known.
 */
export function nearestName(name: string, carrier: Carrier = 'annotation'): string | undefined {
  const asked = `${carrier} ${name}`;
  if (byName.has(asked)) return undefined;
  if (nearest.has(asked)) return nearest.get(asked);
  if (nearest.size >= mostRemembered) nearest.clear();
  const found = findNearest(name, carrier);
  nearest.set(asked, found);
  return found;
}

/** The same few labels, `app` and `version`, stand on everything. */
const nearest = new Map<string, string | undefined>();
const mostRemembered = 1_000;

function findNearest(name: string, carrier: Carrier): string | undefined {
  let nearest: { entry: CatalogueEntry; distance: number } | undefined;
  for (const entry of catalogue) {
    if (entry.carrier !== carrier) continue;
    const distance = nameDistance(name, entry.name);
    if (distance === undefined || (nearest && nearest.distance <= distance)) continue;
    nearest = { entry, distance };
  }
  return nearest?.entry.name;
}

interface Row {
  name: string;
  status: 'Alpha' | 'Beta' | 'Stable';
  resources: string[];
  deprecated?: boolean;
  hidden?: boolean;
}

function toEntry(carrier: Carrier, row: Row): CatalogueEntry {
  const format = carrier === 'annotation' ? formats[row.name] : undefined;
  const replacedBy = carrier === 'annotation' ? replacements[row.name] : undefined;
  return {
    name: row.name,
    carrier,
    status: row.status,
    deprecated: row.deprecated ?? false,
    hidden: row.hidden ?? false,
    resources: row.resources,
    ...(format && { format }),
    ...(replacedBy && { replacedBy }),
  };
}

/** How far a written name is from a known one; undefined: too far to be meant. The part after the slash weighs more. */
function nameDistance(written: string, known: string): number | undefined {
  const [writtenPrefix, writtenKey] = splitName(written);
  const [knownPrefix, knownKey] = splitName(known);
  // Under the right prefix the name is Istio's for sure, and one slip more is forgiven.
  const allowed =
    slipsAllowed(knownKey) + (writtenPrefix === knownPrefix && knownKey.length > 4 && knownPrefix !== '' ? 1 : 0);
  const key = editDistance(plain(writtenKey), plain(knownKey), allowed);
  if (key > allowed) return undefined;
  if (writtenPrefix === knownPrefix) return key;
  const prefix = editDistance(writtenPrefix.toLowerCase(), knownPrefix.toLowerCase(), 20);
  const misspelt = knownPrefix !== '' && prefix <= slipsAllowed(knownPrefix);
  // `sidecar.istio.io/excludeInboundPorts`: a right key under another of Istio's prefixes. Short keys (`port`, `config`,
  // `rev`) are common words, so there the prefix has to be near.
  const elsewhere = writtenPrefix.endsWith('istio.io') && key <= 1 && knownKey.length >= 6;
  return misspelt || elsewhere ? key * 10 + prefix : undefined;
}

function splitName(name: string): [prefix: string, key: string] {
  const slash = name.indexOf('/');
  return slash < 0 ? ['', name] : [name.slice(0, slash), name.slice(slash + 1)];
}

function plain(key: string): string {
  return key.toLowerCase().replace(/[-_.]/g, '');
}

function slipsAllowed(text: string): number {
  if (text.length <= 3) return 0;
  return text.length <= 8 ? 1 : text.length <= 14 ? 2 : 3;
}
