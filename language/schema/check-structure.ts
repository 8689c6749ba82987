import * as l10n from '@vscode/l10n';
import { rename, replaceValue } from '../edits.ts';
import { finding } from '../finding.ts';
import type { Finding, QuickFix } from '../finding.ts';
import type { Located } from '../located.ts';
import { findNearMiss } from '../../mesh/near-miss.ts';
import type { Resource } from '../resource.ts';
import { findStructure } from './structure.ts';
import type { Schema } from './structure.ts';

/** What kind of fault; each is a rule of its own, so that it can be looked up and silenced. */
export type StructureFault =
  | 'unknown-field'
  | 'wrong-type'
  | 'unknown-value'
  | 'missing-field'
  | 'exclusive-fields'
  | 'out-of-bounds'
  | 'unknown-version';

export interface StructureFinding extends Finding {
  fault: StructureFault;
}

const known = new WeakMap<Resource, StructureFinding[]>();

/**
 * What the API server would refuse of a resource by its CRD, each fault on the value or key that has it.
 * Computed once per resource: the rules that share it each take their own kind of fault.
 */
export function structureFindings(resource: Resource): StructureFinding[] {
  let findings = known.get(resource);
  if (!findings) {
    findings = checkResource(resource);
    known.set(resource, findings);
  }
  return findings;
}

function checkResource({ kind, apiVersion, root }: Resource): StructureFinding[] {
  const structure = findStructure(kind);
  if (!structure) return [];
  const found: StructureFinding[] = [];
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  if (!structure.versions.includes(version))
    found.push(unknownVersion(root.at('apiVersion'), structure.group, structure.versions, kind));
  for (const entry of root.entries) {
    const name = String(entry.key.value);
    // The API server knows apiVersion, kind and metadata by itself, and status is not a person's to write.
    if (name === 'apiVersion' || name === 'kind' || name === 'metadata' || name === 'status') continue;
    const schema = structure.schema.properties?.[name];
    if (schema) check(entry.value, schema, found);
    else found.push(unknownField(entry.key, ['metadata', 'spec'], root));
  }
  for (const name of structure.schema.required ?? [])
    if (!root.at(name).isSet) found.push(missingField(root.at('kind'), name));
  return found;
}

function check(value: Located, schema: Schema, found: StructureFinding[]): void {
  // A `null` property is dropped before validation, as if it were not written.
  if (!value.isSet) return;
  if (schema['x-kubernetes-int-or-string']) {
    if (value.type !== 'string' && !Number.isInteger(value.number))
      found.push(wrongType(value, l10n.t('a whole number or text')));
    return;
  }
  if (schema.type && !hasType(value, schema.type)) {
    found.push(wrongType(value, typeName(schema.type), fixType(value, schema)));
    return;
  }
  if (schema.enum && !schema.enum.includes(value.value as string))
    found.push(unknownValue(value, schema.enum.map(String)));
  checkBounds(value, schema, found);
  if (value.type === 'map') checkMap(value, schema, found);
  if (value.type === 'list') checkList(value, schema, found);
}

function checkMap(map: Located, schema: Schema, found: StructureFinding[]): void {
  const { properties, additionalProperties } = schema;
  for (const { key, value } of map.entries) {
    const property = Object.hasOwn(properties ?? {}, String(key.value)) ? properties?.[String(key.value)] : undefined;
    if (property) check(value, property, found);
    else if (typeof additionalProperties === 'object') check(value, additionalProperties, found);
    else if (additionalProperties !== true && !schema['x-kubernetes-preserve-unknown-fields']) {
      found.push(unknownField(key, Object.keys(properties ?? {}), map));
    }
  }
  for (const name of schema.required ?? []) if (!map.at(name).isSet) found.push(missingField(map, name));
  checkChoices(map, schema, found);
}

function checkList(list: Located, schema: Schema, found: StructureFinding[]): void {
  const keys = schema['x-kubernetes-list-map-keys'];
  const seen = new Set<string>();
  for (const item of list.items) {
    if (schema.items) {
      if (item.type === 'null' && !schema.items.nullable)
        found.push(wrongType(item, typeName(schema.items.type ?? 'object')));
      else check(item, schema.items, found);
    }
    if (!keys || item.type !== 'map') continue;
    const identity = JSON.stringify(keys.map((key) => item.at(key).value ?? null));
    const first = item.at(keys[0]!);
    if (seen.has(identity) && first.isSet)
      found.push(bounds(first, l10n.t('"{0}" stands here twice; it must be unique in this list.', first.text)));
    seen.add(identity);
  }
}

/** `oneOf` over `required` is how a protobuf `oneof` looks in a CRD: at most one of these fields, or exactly one. */
function checkChoices(map: Located, schema: Schema, found: StructureFinding[]): void {
  for (const part of schema.allOf ?? []) checkChoices(map, part, found);
  const choices = schema.oneOf;
  if (!choices || choices.filter((choice) => accepts(map, choice)).length === 1) return;
  const names = choices.flatMap((choice) => choice.required ?? []);
  const present = map.entries.filter(({ key, value }) => value.isSet && names.includes(String(key.value)));
  if (present.length > 1) {
    const first = String(present[0]!.key.value);
    for (const { key } of present.slice(1)) {
      const message = l10n.t(
        '"{0}" excludes "{1}": only one of {2} may be set.',
        String(key.value),
        first,
        names.join(', '),
      );
      found.push({ ...finding(key, message), fault: 'exclusive-fields' });
    }
  } else if (names.length > 0) {
    found.push({
      ...finding(owner(map), l10n.t('One of {0} is required here.', names.join(', '))),
      fault: 'missing-field',
    });
  }
}

function accepts(value: Located, schema: Schema): boolean {
  return (
    (schema.required ?? []).every((name) => value.at(name).isSet) &&
    (!schema.not || !accepts(value, schema.not)) &&
    (!schema.anyOf || schema.anyOf.some((part) => accepts(value, part))) &&
    (!schema.allOf || schema.allOf.every((part) => accepts(value, part))) &&
    (!schema.oneOf || schema.oneOf.filter((part) => accepts(value, part)).length === 1)
  );
}

function checkBounds(value: Located, schema: Schema, found: StructureFinding[]): void {
  const fault = whyOutOfBounds(value, schema);
  if (fault) found.push(bounds(value, fault));
}

function whyOutOfBounds(value: Located, schema: Schema): string | undefined {
  const { number, string } = value;
  if (number !== undefined) {
    const least = schema.minimum ?? (schema.format === 'int32' ? -0x80000000 : -Infinity);
    const most = schema.maximum ?? (schema.format === 'int32' ? 0x7fffffff : Infinity);
    if (number < least) return l10n.t('{0} is too small: at least {1} is allowed.', number, least);
    if (number > most) return l10n.t('{0} is too large: at most {1} is allowed.', number, most);
  }
  if (string !== undefined) {
    // The API server counts characters, not UTF-16 code units.
    const length =
      string.length > (schema.maxLength ?? Infinity) || schema.minLength ? [...string].length : string.length;
    if (length < (schema.minLength ?? 0))
      return length === 0
        ? l10n.t('This must not be empty.')
        : l10n.t('This is too short: at least {0} characters are needed.', schema.minLength!);
    if (length > (schema.maxLength ?? Infinity))
      return l10n.t('This is too long: {0} characters, at most {1} are allowed.', length, schema.maxLength!);
    if (schema.pattern && !matchesPattern(schema.pattern, string))
      return l10n.t('"{0}" does not have the form that is needed here: {1}', string, schema.pattern);
    if (
      schema.format === 'byte' &&
      !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(string.replace(/[\r\n]/g, ''))
    )
      return l10n.t('This must be Base64.');
  }
  if (value.type === 'list') {
    if (value.items.length < (schema.minItems ?? 0))
      return l10n.t('This list needs at least {0} entries.', schema.minItems!);
    if (value.items.length > (schema.maxItems ?? Infinity))
      return l10n.t('This list has {0} entries; at most {1} are allowed.', value.items.length, schema.maxItems!);
  }
  if (value.type === 'map') {
    if (value.entries.length < (schema.minProperties ?? 0))
      return l10n.t('This needs at least {0} entries.', schema.minProperties!);
    if (value.entries.length > (schema.maxProperties ?? Infinity))
      return l10n.t('This has {0} entries; at most {1} are allowed.', value.entries.length, schema.maxProperties!);
  }
  return undefined;
}

const patterns = new Map<string, RegExp>();

function matchesPattern(pattern: string, text: string): boolean {
  let regex = patterns.get(pattern);
  if (!regex) patterns.set(pattern, (regex = new RegExp(pattern, 'u')));
  return regex.test(text);
}

function hasType(value: Located, type: NonNullable<Schema['type']>): boolean {
  switch (type) {
    case 'object':
      return value.type === 'map';
    case 'array':
      return value.type === 'list';
    case 'integer':
      // 1.0 is a whole number once it is JSON.
      return Number.isInteger(value.number);
    default:
      return value.type === type;
  }
}

function typeName(type: NonNullable<Schema['type']>): string {
  const names = {
    object: l10n.t('a map of fields'),
    array: l10n.t('a list'),
    string: l10n.t('text'),
    integer: l10n.t('a whole number'),
    number: l10n.t('a number'),
    boolean: l10n.t('true or false'),
  };
  return names[type];
}

function describe(value: Located): string {
  switch (value.type) {
    case 'map':
      return typeName('object');
    case 'list':
      return typeName('array');
    case 'string':
      return l10n.t('text ({0})', short(value.text));
    case 'null':
      return l10n.t('empty');
    default:
      return l10n.t('{0} ({1})', typeName(value.type === 'boolean' ? 'boolean' : 'number'), short(value.text));
  }
}

function short(text: string): string {
  const line = text.split('\n', 1)[0]!.trimEnd();
  return line.length > 40 ? `${line.slice(0, 40)}…` : line;
}

/** What a person surely meant, when quotes alone make the difference, or a list was forgotten around a single value. */
function fixType(value: Located, schema: Schema): QuickFix[] {
  const { text } = value;
  if (value.value === undefined && !value.flow) return [];
  if (schema.type === 'string' && (value.type === 'number' || value.type === 'boolean')) {
    return [
      {
        title: l10n.t('Put {0} in quotes', text),
        preferred: true,
        edits: () => replaceValue(value, JSON.stringify(text)),
      },
    ];
  }
  const bare = value.string?.trim() ?? '';
  const isWanted =
    schema.type === 'boolean' ? /^(true|false)$/.test(bare) : schema.type === 'integer' && /^-?\d+$/.test(bare);
  if (isWanted)
    return [
      { title: l10n.t('Take {0} out of its quotes', text), preferred: true, edits: () => replaceValue(value, bare) },
    ];
  if (schema.type === 'array' && !text.includes('\n') && schema.items?.type && hasType(value, schema.items.type)) {
    return [{ title: l10n.t('Make {0} a list', text), preferred: true, edits: () => replaceValue(value, `[${text}]`) }];
  }
  return [];
}

function wrongType(value: Located, wanted: string, fixes: QuickFix[] = []): StructureFinding {
  const name = value.key?.string;
  const message = name
    ? l10n.t('"{0}" must be {1}, not {2}.', name, wanted, describe(value))
    : l10n.t('This must be {0}, not {1}.', wanted, describe(value));
  return { ...finding(value, message, { fixes }), fault: 'wrong-type' };
}

function unknownField(key: Located, names: string[], map: Located): StructureFinding {
  const typed = String(key.value);
  const meant = findNearMiss(
    typed,
    names.filter((name) => !map.at(name).exists),
  );
  const place = map.key?.string;
  const unknown = place
    ? l10n.t('"{0}" is no field of "{1}": the API server refuses or drops it.', typed, place)
    : l10n.t('"{0}" is no field here: the API server refuses or drops it.', typed);
  if (!meant) {
    const choice = names.length > 0 && names.length <= 12 ? ` ${l10n.t('Fields here: {0}.', names.join(', '))}` : '';
    return { ...finding(key, unknown + choice), fault: 'unknown-field' };
  }
  const fix: QuickFix = { title: l10n.t('Rename to "{0}"', meant), preferred: true, edits: () => rename(key, meant) };
  return {
    ...finding(key, `${unknown} ${l10n.t('Did you mean "{0}"?', meant)}`, { fixes: [fix] }),
    fault: 'unknown-field',
  };
}

function unknownValue(value: Located, names: string[]): StructureFinding {
  const typed = String(value.value);
  const meant = findNearMiss(typed, names);
  const hint = meant ? ` ${l10n.t('Did you mean "{0}"?', meant)}` : '';
  const message = l10n.t('"{0}" is not one of {1}.', typed, names.join(', ')) + hint;
  const fixes = (meant ? [meant, ...names.filter((name) => name !== meant)] : names)
    .filter((name) => !/^(UNSET|UNSPECIFIED|UNDEFINED)/.test(name))
    .slice(0, 6)
    .map((name): QuickFix => ({
      title: l10n.t('Change to {0}', name),
      preferred: name === meant,
      edits: () => rename(value, name),
    }));
  return { ...finding(value, message, { fixes }), fault: 'unknown-value' };
}

function missingField(map: Located, name: string): StructureFinding {
  return { ...finding(owner(map), l10n.t('"{0}" is required here.', name)), fault: 'missing-field' };
}

/** What is missing inside a map is shown on the map's key, or on its first field when it is a list's item. */
function owner(map: Located): Located {
  return map.key ?? map;
}

function bounds(value: Located, message: string): StructureFinding {
  return { ...finding(value, message), fault: 'out-of-bounds' };
}

function unknownVersion(at: Located, group: string, versions: string[], kind: string): StructureFinding {
  const fixes = versions.map((version): QuickFix => ({
    title: l10n.t('Change to {0}', `${group}/${version}`),
    preferred: version === versions[0],
    edits: () => rename(at, `${group}/${version}`),
  }));
  const message = l10n.t(
    'Istio serves {0} as {1}, not as "{2}".',
    kind,
    versions.map((version) => `${group}/${version}`).join(', '),
    at.string ?? '',
  );
  return { ...finding(at, message, { fixes }), fault: 'unknown-version' };
}
