/**
 * The structure of Istio's kinds, as their CRDs give it to the API server: what it refuses here, nobody gets applied.
 * Descriptions and CEL expressions are left out; meaning that needs two fields is a rule's business.
 */
import type { Kind } from '../kinds.ts';
import crds from './istio-crds.json';

/** The part of OpenAPI v3 that structural schemas use. */
export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: string[];
  enum?: (string | number | boolean)[];
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  nullable?: boolean;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  not?: Schema;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
}

export interface Structure {
  group: string;
  /** Served versions, the best one first. */
  versions: string[];
  /** Of the best version, and of every other that is not in `schemas`. */
  schema: Schema;
  /** Of versions that differ from the best one; Istio's own do not. */
  schemas?: Record<string, Schema>;
}

/** What a set of CRDs says of the kinds they define: Istio's release, or those of a cluster. */
export type Structures = Readonly<Partial<Record<Kind, Structure>>>;

/** Of the Istio release whose knowledge is built in. */
export const istioStructures: Structures = crds.kinds as unknown as Structures;

/** The kinds whose structure is known: Istio's fifteen. */
export const istioKinds = Object.keys(crds.kinds) as (keyof typeof crds.kinds & Kind)[];

export function findStructure(kind: Kind, structures: Structures = istioStructures): Structure | undefined {
  return structures[kind];
}

/** As the cluster's own definitions have it, where they say anything of the kind; else as Istio has it today. */
export function bestStructure(kind: Kind, structures: Structures | undefined): Structure | undefined {
  return structures?.[kind] ?? istioStructures[kind];
}

/** The schema of one version; of one that is not served: the best version's, for whoever still has to change it. */
export function schemaOf({ schema, schemas }: Structure, version: string): Schema {
  return (schemas && Object.hasOwn(schemas, version) ? schemas[version] : undefined) ?? schema;
}
