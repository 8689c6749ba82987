import * as l10n from '@vscode/l10n';
import type { Located } from '../located.ts';
import type { Resource } from '../resource.ts';
import { hasType, whyOutOfBounds } from './bounds.ts';
import { findStructure, istioStructures, schemaOf } from './structure.ts';
import type { Schema, Structures } from './structure.ts';
import {
  bounds,
  exclusive,
  fixType,
  missingChoice,
  missingField,
  newerField,
  typeName,
  unknownField,
  unknownValue,
  unknownVersion,
  wrongType,
} from './structure-findings.ts';
import type { FieldHome, StructureFinding } from './structure-findings.ts';

/** What has been said of a resource under one set of structures, so that rules which share it ask once. */
const known = new WeakMap<Structures, WeakMap<Resource, StructureFinding[]>>();

/**
 * What the API server would refuse of a resource by its CRD, each fault on the value or key that has it.
 * Computed once per resource: the rules that share it each take their own kind of fault.
 * @param cluster what the connected cluster's own CRDs say; for kinds that are not in it the built-in release decides.
 */
export function structureFindings(resource: Resource, cluster?: Structures): StructureFinding[] {
  const structures = cluster ?? istioStructures;
  let byResource = known.get(structures);
  if (!byResource) known.set(structures, (byResource = new WeakMap()));
  let findings = byResource.get(resource);
  if (!findings) byResource.set(resource, (findings = checkResource(resource, structures)));
  return findings;
}

function checkResource({ kind, apiVersion, root }: Resource, structures: Structures): StructureFinding[] {
  const ours = findStructure(kind);
  const structure = findStructure(kind, structures) ?? ours;
  if (!structure) return [];
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  const found: StructureFinding[] = [];
  if (!structure.versions.includes(version))
    found.push(unknownVersion(root.at('apiVersion'), structure.group, structure.versions, kind));
  const release = ours && ours !== structure ? schemaOf(ours, version) : undefined;
  new Check(found).resource(root, schemaOf(structure, version), release);
  return found;
}

/** What a schema refuses of a value, e.g. of `metadata`, which no CRD describes. */
export function checkValue(value: Located, schema: Schema): StructureFinding[] {
  const found: StructureFinding[] = [];
  new Check(found).value(value, schema);
  return found;
}

/** The walk through one resource and its schema, side by side. `release` is the built-in schema where a cluster's is checked. */
class Check {
  private readonly found: StructureFinding[];
  /** The maps around the one that is looked at, from the outside in, each with the name it stands under. */
  private readonly around: Holder[] = [];
  private listName: string | undefined;

  constructor(found: StructureFinding[]) {
    this.found = found;
  }

  resource(root: Located, schema: Schema, release: Schema | undefined): void {
    for (const { key, value } of root.entries) {
      const name = String(key.value);
      // The API server knows apiVersion, kind and metadata by itself, and status is not a person's to write.
      if (name === 'apiVersion' || name === 'kind' || name === 'metadata' || name === 'status') continue;
      const property = propertyOf(schema, name);
      if (property) this.value(value, property, release && propertyOf(release, name));
      else this.found.push(unknownField(key, ['metadata', 'spec'], root, findHome(name, schema, [])));
    }
    for (const name of schema.required ?? [])
      if (!root.at(name).isSet) this.found.push(missingField(root.at('kind'), name));
  }

  value(value: Located, schema: Schema, release?: Schema): void {
    // A `null` is dropped before validation, as if the field were not written; where null is a value it is a good one.
    if (!value.isSet) return;
    if (schema['x-kubernetes-int-or-string']) {
      if (value.type !== 'string' && !Number.isInteger(value.number))
        this.found.push(wrongType(value, l10n.t('a whole number or text')));
      return;
    }
    if (schema.type && !hasType(value, schema.type)) {
      this.found.push(wrongType(value, typeName(schema.type), fixType(value, schema)));
      return;
    }
    if (schema.enum && !schema.enum.includes(value.value as string))
      this.found.push(unknownValue(value, schema.enum.map(String)));
    const fault = whyOutOfBounds(value, schema);
    if (fault) this.found.push(bounds(value, fault));
    if (value.type === 'map') this.map(value, schema, release);
    if (value.type === 'list') this.list(value, schema, release);
  }

  private map(map: Located, schema: Schema, release?: Schema): void {
    const { properties, additionalProperties } = schema;
    this.around.push({ schema, name: map.key?.string ?? this.listName });
    for (const { key, value } of map.entries) {
      const name = String(key.value);
      const property = propertyOf(schema, name);
      const inRelease = release && propertyOf(release, name);
      if (property) this.value(value, property, inRelease);
      else if (typeof additionalProperties === 'object') {
        const more = release?.additionalProperties;
        this.value(value, additionalProperties, typeof more === 'object' ? more : undefined);
      } else if (additionalProperties !== true && !schema['x-kubernetes-preserve-unknown-fields']) {
        const home = () => findHome(name, schema, this.around.slice(0, -1));
        const fault = inRelease ? newerField(key, map) : unknownField(key, Object.keys(properties ?? {}), map, home());
        this.found.push(fault);
      }
    }
    this.around.pop();
    for (const name of schema.required ?? [])
      if (!isPresent(map, name, schema)) this.found.push(missingField(map, name));
    this.choices(map, schema, schema);
  }

  private list(list: Located, schema: Schema, release?: Schema): void {
    const { items } = schema;
    for (const item of list.items) {
      if (!items) continue;
      this.listName = list.key?.string;
      if (item.type === 'null' && !items.nullable) this.found.push(wrongType(item, typeName(items.type ?? 'object')));
      else this.value(item, items, release?.items);
    }
    this.repetitions(list, schema);
  }

  /** Lists that are maps by some of their fields, and lists that are sets. */
  private repetitions(list: Located, schema: Schema): void {
    const keys = schema['x-kubernetes-list-map-keys'];
    const isSet = schema['x-kubernetes-list-type'] === 'set';
    if (!keys && !isSet) return;
    const seen = new Set<string>();
    for (const item of list.items) {
      if (keys && item.type !== 'map') continue;
      const shown = keys ? item.at(keys[0]!) : item;
      const identity = JSON.stringify(keys ? keys.map((key) => item.at(key).value ?? null) : item.toJSON());
      if (seen.has(identity) && shown.isSet) {
        this.found.push(
          bounds(shown, l10n.t('"{0}" stands here twice; it must be unique in this list.', shown.string ?? shown.text)),
        );
      }
      seen.add(identity);
    }
  }

  /** `oneOf` over `required` is how a protobuf `oneof` looks in a CRD: at most one of these fields, or exactly one. */
  private choices(map: Located, schema: Schema, owner: Schema): void {
    for (const part of schema.allOf ?? []) this.choices(map, part, owner);
    if (schema.anyOf && !schema.anyOf.some((part) => accepts(map, part, owner)))
      this.found.push(missingChoice(map, namesIn(schema.anyOf)));
    if (schema.not && accepts(map, schema.not, owner)) this.found.push(...forbidden(map, schema.not, owner));
    const choices = schema.oneOf;
    if (!choices || choices.filter((choice) => accepts(map, choice, owner)).length === 1) return;
    const names = namesIn(choices);
    const present = map.entries.filter(({ key }) => {
      const name = String(key.value);
      return names.includes(name) && isPresent(map, name, owner);
    });
    if (present.length > 1) {
      const [first, ...others] = present;
      for (const { key } of others) this.found.push(exclusive(key, String(first!.key.value), names));
    } else if (names.length > 0) this.found.push(missingChoice(map, names));
  }
}

interface Holder {
  schema: Schema;
  name: string | undefined;
}

/** Where a field would be right that is wrong here: a level below, or beside what is around. Only an exact name counts. */
function findHome(name: string, schema: Schema, around: Holder[]): FieldHome | undefined {
  const below = Object.entries(schema.properties ?? {}).filter(([, child]) => propertyOf(child.items ?? child, name));
  if (below.length === 1) return { below: below[0]![0] };
  const index = around.findLastIndex((holder) => propertyOf(holder.schema, name) !== undefined);
  const holder = around[index];
  return holder?.name === undefined ? undefined : { above: holder.name };
}

function propertyOf({ properties }: Schema, name: string): Schema | undefined {
  return properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** There for the API server: it drops a `null` unless the field may be null. */
function isPresent(map: Located, name: string, schema: Schema): boolean {
  const value = map.at(name);
  return value.isSet || (value.exists && propertyOf(schema, name)?.nullable === true);
}

function namesIn(choices: Schema[]): string[] {
  return [...new Set(choices.flatMap((choice) => choice.required ?? []))];
}

function accepts(map: Located, schema: Schema, owner: Schema): boolean {
  const holds = (part: Schema) => accepts(map, part, owner);
  return (
    (schema.required ?? []).every((name) => isPresent(map, name, owner)) &&
    (!schema.not || !holds(schema.not)) &&
    (!schema.anyOf || schema.anyOf.some(holds)) &&
    (!schema.allOf || schema.allOf.every(holds)) &&
    (!schema.oneOf || schema.oneOf.filter(holds).length === 1)
  );
}

function forbidden(map: Located, not: Schema, owner: Schema): StructureFinding[] {
  const names = namesIn([not, ...(not.anyOf ?? []), ...(not.allOf ?? [])]).filter((name) =>
    isPresent(map, name, owner),
  );
  const [first, ...others] = names.flatMap((name) => map.entry(name)?.key ?? []);
  if (!first) return [];
  return (others.length > 0 ? others : [first]).map((key) => exclusive(key, String(first.value), names));
}
