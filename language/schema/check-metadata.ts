import * as l10n from '@vscode/l10n';
import { rename } from '../edits.ts';
import { finding } from '../finding.ts';
import type { Finding, QuickFix } from '../finding.ts';
import { isNamespaced, podTemplatePaths } from '../kinds.ts';
import type { Kind } from '../kinds.ts';
import type { Located } from '../located.ts';
import { findPodSource } from '../resource.ts';
import type { Resource } from '../resource.ts';
import { checkValue } from './check-structure.ts';
import {
  isAnnotationKey,
  isDnsLabel,
  isDnsSubdomain,
  isLabelValue,
  isQualifiedName,
  isServiceName,
} from './object-names.ts';
import type { Schema } from './structure.ts';

const text: Schema = { type: 'string' };
const time: Schema = { type: 'string', format: 'date-time' };
const needed: Schema = { type: 'string', minLength: 1 };
/** Values of any type: those that are no strings are another rule's (they need their quotes). */
const pairs: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** What the API server decodes `metadata` into; it refuses other fields and other types. */
const objectMeta: Schema = {
  type: 'object',
  properties: {
    ...{ name: text, generateName: text, namespace: text, labels: pairs, annotations: pairs },
    ...{ uid: text, resourceVersion: text, selfLink: text, generation: { type: 'integer' } },
    ...{ creationTimestamp: time, deletionTimestamp: time, deletionGracePeriodSeconds: { type: 'integer' } },
    finalizers: { type: 'array', items: text },
    managedFields: { type: 'array', items: pairs },
    ownerReferences: {
      type: 'array',
      items: {
        type: 'object',
        required: ['apiVersion', 'kind', 'name', 'uid'],
        properties: {
          ...{ apiVersion: needed, kind: needed, name: needed, uid: needed },
          ...{ controller: { type: 'boolean' }, blockOwnerDeletion: { type: 'boolean' } },
        },
      },
    },
  },
};

/** In bytes, of all keys and values together. */
const mostAnnotations = 256 * 1024;

/** What the API server refuses of an object's metadata and of its pod template's, whatever the kind. */
export function* checkMetadata(resource: Resource): Iterable<Finding> {
  const { kind, metadata } = resource;
  if (metadata.isSet) yield* checkValue(metadata, objectMeta);
  yield* checkName(resource);
  yield* checkPairs(metadata);
  for (const finalizer of fieldOf(metadata, 'finalizers')?.items ?? []) {
    if (finalizer.string !== undefined && !isQualifiedName(finalizer.string))
      yield finding(finalizer, l10n.t('"{0}" is no name of a finalizer: the API server refuses it.', finalizer.string));
  }
  const template = podTemplatePaths[kind] && findPodSource(resource)?.metadata;
  if (!template?.isSet || template === metadata) return;
  yield* checkValue(template, objectMeta);
  yield* checkPairs(template);
}

/** Undefined when it is not written: {@link Located.at} would look for a place to stand for it. */
function fieldOf(map: Located, name: string): Located | undefined {
  return map.entry(name)?.value;
}

function hasWrongType(value: Located | undefined): boolean {
  return value?.isSet === true && value.string === undefined;
}

function* checkName({ kind, metadata, root }: Resource): Iterable<Finding> {
  const [name, prefix, namespace] = ['name', 'generateName', 'namespace'].map((field) => fieldOf(metadata, field));
  // Istio allows a Gateway less, and says so itself.
  if (kind !== 'Gateway' && name?.string && !isNameOf(kind, name.string))
    yield finding(name, whyNoName(kind, name.string), { fixes: fixName(kind, name) });
  if (prefix?.string && !isNameOf(kind, prefix.string.replace(/-+$/, '')))
    yield finding(prefix, whyNoName(kind, prefix.string));
  if (isNamespaced(kind) && namespace?.string && !isDnsLabel(namespace.string))
    yield finding(namespace, whyNoName('Namespace', namespace.string), { fixes: fixName('Namespace', namespace) });
  const isAbsent = !name?.string && !prefix?.string && !hasWrongType(name) && !hasWrongType(prefix);
  if (isAbsent && (metadata.type === 'map' || !metadata.isSet)) {
    const at = metadata.entry('name')?.key ?? metadata.key ?? root.at('kind');
    yield finding(
      at,
      l10n.t('Every object needs a name: the API server refuses this {0} until "metadata.name" is set.', kind),
    );
  }
}

function isNameOf(kind: Kind, name: string): boolean {
  if (kind === 'Service') return isServiceName(name);
  return kind === 'Namespace' ? isDnsLabel(name) : isDnsSubdomain(name);
}

function whyNoName(kind: Kind, name: string): string {
  if (kind === 'Service')
    return l10n.t(
      '"{0}" cannot be the name of a Service: up to 63 small letters, digits and "-" may be in it, and a letter comes first. The API server refuses it.',
      name,
    );
  if (kind === 'Namespace')
    return l10n.t(
      '"{0}" cannot be the name of a namespace: up to 63 small letters, digits and "-" may be in it. The API server refuses it.',
      name,
    );
  return l10n.t(
    '"{0}" cannot be the name of a {1}: up to 253 small letters, digits, "-" and "." may be in it, a letter or digit first and last. The API server refuses it.',
    name,
    kind,
  );
}

/** Capital letters, blanks and underscores are what people write; the rest is for a person to decide. */
function fixName(kind: Kind, name: Located): QuickFix[] {
  const better = name.string!.toLowerCase().replace(/[\s_]+/g, '-');
  if (!isNameOf(kind, better)) return [];
  return [{ title: l10n.t('Change to {0}', better), preferred: true, edits: () => rename(name, better) }];
}

function* checkPairs(metadata: Located): Iterable<Finding> {
  for (const { key, value } of fieldOf(metadata, 'labels')?.entries ?? []) {
    const name = String(key.value);
    if (hasWrongType(value)) continue;
    if (!isQualifiedName(name)) yield finding(key, whyNoKey(name));
    else if (value.string !== undefined && !isLabelValue(value.string))
      yield finding(
        value,
        l10n.t(
          '"{0}" cannot be the value of a label: up to 63 letters, digits, "-", "_" and "." may be in it, a letter or digit first and last. The API server refuses it.',
          value.string,
        ),
      );
  }
  const annotations = fieldOf(metadata, 'annotations');
  if (!annotations) return;
  for (const { key, value } of annotations.entries) {
    const name = String(key.value);
    if (!isAnnotationKey(name) && !hasWrongType(value)) yield finding(key, whyNoKey(name));
  }
  const bytes = bytesOf(annotations);
  if (bytes > mostAnnotations)
    yield finding(
      annotations,
      l10n.t(
        'These annotations are too long: {0} bytes, and the API server takes {1} at most.',
        bytes,
        mostAnnotations,
      ),
    );
}

function whyNoKey(name: string): string {
  return l10n.t(
    '"{0}" cannot be the key of a label or annotation: write up to 63 letters, digits, "-", "_" and ".", after a domain and "/" if you like. The API server refuses it.',
    name,
  );
}

/** Exact only where it comes near the limit: a character has three bytes at most. */
function bytesOf({ entries }: Located): number {
  const texts = entries.flatMap(({ key, value }) => [String(key.value), value.string ?? '']);
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  return characters * 3 <= mostAnnotations ? characters : new TextEncoder().encode(texts.join('')).length;
}
