import { describe, expect, test } from 'vitest';
import { parse } from '../parse.ts';
import { checkMetadata } from './check-metadata.ts';

const messages = (manifest: string) =>
  parse(manifest, 'file:///a.yaml').documents[0]!.resources.flatMap((resource) =>
    Array.from(checkMetadata(resource), ({ message }) => message),
  );
const object = (metadata: string, kind = 'ConfigMap') =>
  messages(`apiVersion: v1\nkind: ${kind}\nmetadata: ${metadata}\n`);
const long = (length: number) => 'x'.repeat(length);

describe('what the API server takes in metadata', () => {
  test.each([
    '{ name: a, labels: null, annotations: ~ }',
    '{ name: a.b-c.1, namespace: shop, labels: { a: null, app.kubernetes.io/name: A_b.c } }',
    `{ name: ${long(253)}, labels: { ${long(63)}: ${long(63)}, "a": "" } }`,
    '{ generateName: a- }',
    '{ name: a, creationTimestamp: null, uid: b, resourceVersion: "7", generation: 7, finalizers: [kubernetes, a.b/c] }',
    '{ name: a, annotations: { A.b/c: "", d: "any text: at all * " } }',
    '{ name: a, managedFields: [{ manager: kubectl, fieldsV1: { "f:spec": {} } }] }',
    '{ name: a, ownerReferences: [{ apiVersion: v1, kind: Pod, name: a, uid: u, controller: true }] }',
    `{ name: a, annotations: { a: ${long(262143)} } }`,
  ])('%.80s', (metadata) => {
    expect(object(metadata)).toEqual([]);
  });
});

describe('what it refuses', () => {
  test.each([
    ['{}', /needs a name/],
    ['', /needs a name/],
    ['{ name: "" }', /needs a name/],
    ['[]', /"metadata" must be a map/],
    ['{ name: 7 }', /"name" must be text/],
    ['{ name: A }', /cannot be the name/],
    ['{ name: a_b }', /cannot be the name/],
    ['{ name: a..b }', /cannot be the name/],
    ['{ name: -a }', /cannot be the name/],
    [`{ name: ${long(254)} }`, /cannot be the name/],
    ['{ generateName: A- }', /cannot be the name/],
    ['{ generateName: a. }', /cannot be the name/],
    ['{ name: a, namespace: a.b }', /name of a namespace/],
    ['{ name: a, namspace: b }', /Did you mean "namespace"/],
    ['{ name: a, Labels: {} }', /Did you mean "labels"/],
    ['{ name: a, labels: [] }', /must be a map/],
    ['{ name: a, labels: { a/b/c: d } }', /key of a label/],
    ['{ name: a, labels: { A/b: d } }', /key of a label/],
    ['{ name: a, labels: { "": d } }', /key of a label/],
    ['{ name: a, labels: { a: "b c" } }', /value of a label/],
    [`{ name: a, labels: { a: ${long(64)} } }`, /value of a label/],
    ['{ name: a, annotations: { "a b": d } }', /key of a label or annotation/],
    [`{ name: a, annotations: { a: ${long(262144)} } }`, /too long/],
    ['{ name: a, finalizers: [a/] }', /finalizer/],
    ['{ name: a, finalizers: a }', /must be a list/],
    ['{ name: a, ownerReferences: [{ apiVersion: v1, kind: Pod, name: a }] }', /"uid" is required/],
    ['{ name: a, creationTimestamp: 2026-01-31 }', /point in time/],
  ])('%.80s', (metadata, message) => {
    expect(object(metadata)).toEqual([expect.stringMatching(message)]);
  });
});

test('names follow their kind', () => {
  expect(object('{ name: a.b }', 'Namespace')).toHaveLength(1);
  expect(object('{ name: a.b }', 'Service')).toHaveLength(1);
  expect(object('{ name: 1a }', 'Service')).toHaveLength(1);
  expect(object('{ name: 1a.b }', 'Secret')).toEqual([]);
});

test('a pod template has labels and no name of its own', () => {
  const deployment = (metadata: string) =>
    messages(
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec: { template: { metadata: ${metadata}, spec: {} } }\n`,
    );
  expect(deployment('{ labels: { app: a } }')).toEqual([]);
  expect(deployment('{ labels: { app: a b }, anotations: {} }')).toHaveLength(2);
});
