/** Istio's CRDs as an API server takes them: the built-in structure, with Istio's CEL rules put back where they stand. */
import { findKind } from '../../language/kinds.ts';
import type { Kind } from '../../language/kinds.ts';
import { istioKinds, istioStructures } from '../../language/schema/structure.ts';
import type { Schema } from '../../language/schema/structure.ts';
import { celRules, type CelRule } from './istio-cel.ts';

type CrdSchema = Schema & { 'x-kubernetes-validations'?: { rule: string; message: string }[] };

export function istioCrds(): object[] {
  return istioKinds.map(crdOf);
}

/** `/apis/networking.istio.io/v1/namespaces/default/virtualservices` */
export function collectionPath(apiVersion: string, kind: string, namespace = 'default'): string {
  return `/apis/${apiVersion}/namespaces/${namespace}/${pluralOf(kind)}`;
}

export function isIstioKind(apiVersion: string, kind: string): boolean {
  const known = findKind(apiVersion, kind);
  return known !== undefined && istioStructures[known] !== undefined;
}

function crdOf(kind: Kind): object {
  const { group, versions, schema } = istioStructures[kind]!;
  const plural = pluralOf(kind);
  const whole = structuredClone(schema) as CrdSchema;
  for (const cel of celRules) addRule(whole, kind, cel);
  whole.properties = {
    ...whole.properties,
    status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      ...{ group, scope: 'Namespaced' },
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: versions.map((name, index) => ({
        ...{ name, served: true, storage: index === 0, subresources: { status: {} } },
        schema: { openAPIV3Schema: whole },
      })),
    },
  };
}

function pluralOf(kind: string): string {
  return `${kind.toLowerCase().replace(/(?<=[^aeiou])y$/, 'ie')}s`;
}

function addRule(root: CrdSchema, kind: Kind, { at, rule, message }: CelRule): void {
  for (const path of at) {
    const [where, ...steps] = path.split('.');
    if (where !== kind && where !== '*') continue;
    for (const schema of schemasAt(root, steps)) (schema['x-kubernetes-validations'] ??= []).push({ rule, message });
  }
}

/** `[]`: the items of a list; `{}`: the values of a map; `**`: any number of steps. */
function schemasAt(schema: CrdSchema, steps: string[]): CrdSchema[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [schema];
  if (step === '**') {
    const below = [...Object.values(schema.properties ?? {}), ...[schema.items, schema.additionalProperties]].filter(
      (child): child is Schema => typeof child === 'object',
    );
    return [...schemasAt(schema, rest), ...below.flatMap((child) => schemasAt(child, steps))];
  }
  const next =
    step === '[]'
      ? schema.items
      : step === '{}'
        ? schema.additionalProperties
        : Object.hasOwn(schema.properties ?? {}, step)
          ? schema.properties?.[step]
          : undefined;
  return typeof next === 'object' ? schemasAt(next, rest) : [];
}
