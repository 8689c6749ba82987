/**
 * The structure that a CustomResourceDefinition gives to the API server, in the form that checks and hovers read. The
 * built-in data (istio-crds.json) is made with it from Istio's release, and a connected cluster's own CRDs are read with it.
 */
import { findKind } from '../kinds.ts';
import type { Kind } from '../kinds.ts';
import type { Schema, Structure, Structures } from './structure.ts';

interface CrdVersion {
  name: string;
  schema: Schema;
}

/**
 * What a CRD of a kind that we know says.
 * @param crd the object as the API server gives it (apiextensions.k8s.io/v1).
 * @returns undefined for anything else, for kinds that no rule reads, and for a CRD that serves nothing.
 */
export function structureOfCrd(crd: unknown): { kind: Kind; structure: Structure } | undefined {
  const spec = fieldOf(crd, 'spec');
  const group = fieldOf(spec, 'group');
  const name = fieldOf(fieldOf(spec, 'names'), 'kind');
  if (typeof group !== 'string' || typeof name !== 'string') return undefined;
  const kind = findKind(`${group}/v1`, name);
  const versions = listOf(fieldOf(spec, 'versions')).flatMap(servedVersion).sort(byRank);
  const [best, ...others] = versions;
  if (!kind || !best) return undefined;
  const different = others.filter(({ schema }) => JSON.stringify(schema) !== JSON.stringify(best.schema));
  const structure: Structure = { group, versions: versions.map((version) => version.name), schema: best.schema };
  if (different.length > 0) structure.schemas = Object.fromEntries(different.map(({ name, schema }) => [name, schema]));
  return { kind, structure };
}

/** Of many CRDs, those that are not ours left out. */
export function structuresOfCrds(crds: Iterable<unknown>): Structures {
  const found = [...crds].flatMap((crd) => structureOfCrd(crd) ?? []);
  return Object.fromEntries(found.map(({ kind, structure }) => [kind, structure]));
}

function servedVersion(version: unknown): CrdVersion[] {
  const name = fieldOf(version, 'name');
  if (typeof name !== 'string' || fieldOf(version, 'served') === false) return [];
  const schema = schemaFrom(fieldOf(fieldOf(version, 'schema'), 'openAPIV3Schema'));
  // The API server checks apiVersion, kind and metadata by itself, and status is not a person's to write.
  const properties = Object.fromEntries(
    Object.entries(schema.properties ?? {}).filter(([field]) => !byItself.has(field)),
  );
  const required = schema.required?.filter((field) => !byItself.has(field));
  return [
    {
      name,
      schema: { ...schema, properties, ...(required && { required }) },
    },
  ];
}

const byItself = new Set(['apiVersion', 'kind', 'metadata', 'status']);

/** Kubernetes' own order: v2 before v1 before v1beta2 before v1beta1 before v1alpha1. */
function byRank(a: CrdVersion, b: CrdVersion): number {
  const [aMajor, aStage, aMinor] = rankOf(a.name);
  const [bMajor, bStage, bMinor] = rankOf(b.name);
  return bStage - aStage || bMajor - aMajor || bMinor - aMinor || (a.name < b.name ? -1 : 1);
}

function rankOf(name: string): [major: number, stage: number, minor: number] {
  const [, major, stage, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(name) ?? [];
  if (major === undefined) return [0, -1, 0];
  return [Number(major), stage === undefined ? 2 : stage === 'beta' ? 1 : 0, Number(minor ?? 0)];
}

/** The members that structure is made of. A schema with all its prose is ten times as large. */
const plainMembers = [
  ...['type', 'required', 'enum', 'pattern', 'format', 'nullable', 'default'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties', 'uniqueItems'],
  ...['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-int-or-string', 'x-kubernetes-embedded-resource'],
  ...['x-kubernetes-list-type', 'x-kubernetes-list-map-keys'],
] as const;

function schemaFrom(source: unknown): Schema {
  const schema: Record<string, unknown> = {};
  for (const name of plainMembers) {
    const value = fieldOf(source, name);
    if (value !== undefined) schema[name] = value;
  }
  const properties = fieldOf(source, 'properties');
  if (isRecord(properties)) schema.properties = mapValues(properties, schemaFrom);
  for (const name of ['items', 'not'] as const)
    if (isRecord(fieldOf(source, name))) schema[name] = schemaFrom(fieldOf(source, name));
  for (const name of ['oneOf', 'anyOf', 'allOf'] as const)
    if (Array.isArray(fieldOf(source, name))) schema[name] = listOf(fieldOf(source, name)).map(schemaFrom);
  const additional = fieldOf(source, 'additionalProperties');
  if (additional !== undefined)
    schema.additionalProperties = isRecord(additional) ? schemaFrom(additional) : additional;
  return schema as Schema;
}

function mapValues<T>(record: Record<string, unknown>, map: (value: unknown) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

function fieldOf(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
