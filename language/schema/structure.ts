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
  'x-kubernetes-list-map-keys'?: string[];
}

export interface Structure {
  group: string;
  /** Served versions, the best one first. All have the same schema. */
  versions: string[];
  schema: Schema;
}

const structures = crds.kinds as unknown as Record<string, Structure | undefined>;

/** The kinds whose structure is known: Istio's fifteen. */
export const istioKinds = Object.keys(crds.kinds) as (keyof typeof crds.kinds & Kind)[];

export function findStructure(kind: Kind): Structure | undefined {
  return structures[kind];
}
