import { expect, test } from 'vitest';
import { parse } from '../parse.ts';
import { structureFindings } from './check-structure.ts';
import { structureOfCrd, structuresOfCrds } from './structure-of-crd.ts';

const text = { type: 'string' };
const version = (name: string, spec: object, more: object = {}) => ({
  ...{ name, served: true, storage: name === 'v1' },
  schema: {
    openAPIV3Schema: {
      type: 'object',
      description: 'Prose',
      properties: {
        ...{ apiVersion: text, kind: text, metadata: { type: 'object' } },
        spec: { type: 'object', 'x-kubernetes-validations': [{ rule: 'true' }], properties: spec },
        status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
  ...more,
});
const crd = (versions: object[], kind = 'PeerAuthentication', group = 'security.istio.io') => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  spec: { group, names: { kind }, versions },
});
const mtls = { type: 'object', properties: { mode: { type: 'string', enum: ['STRICT', 'LOOSE'] } } };

const faultsOf = (manifest: string, crds: object[]) => {
  const [resource] = parse(manifest, 'file:///a.yaml').documents[0]!.resources;
  return structureFindings(resource!, structuresOfCrds(crds)).map(
    ({ fault, message, severity = 'error' }) => `${severity} ${fault}: ${message}`,
  );
};
const policy = (spec: string, apiVersion = 'v1') =>
  `apiVersion: security.istio.io/${apiVersion}\nkind: PeerAuthentication\nmetadata: { name: a }\nspec: ${spec}\n`;

test('takes types and limits, leaves prose, expressions and what the API server knows by itself', () => {
  expect(structureOfCrd(crd([version('v1', { mtls })]))).toEqual({
    kind: 'PeerAuthentication',
    structure: {
      group: 'security.istio.io',
      versions: ['v1'],
      schema: { type: 'object', properties: { spec: { type: 'object', properties: { mtls } } } },
    },
  });
});

test('puts the best version first, leaves those that are not served, and keeps a schema apart where it differs', () => {
  const names = ['v1alpha1', 'v1beta1', 'v2', 'v1', 'v1beta2', 'v1alpha3'];
  const versions = names.map((name) => version(name, name === 'v1beta1' ? { mtls: text } : { mtls }));
  const found = structureOfCrd(crd([...versions, version('v3', {}, { served: false })]))!.structure;
  expect(found.versions).toEqual(['v2', 'v1', 'v1beta2', 'v1beta1', 'v1alpha3', 'v1alpha1']);
  expect(Object.keys(found.schemas ?? {})).toEqual(['v1beta1']);
});

test.each([
  ['nothing', undefined],
  ['text', 'CustomResourceDefinition'],
  ['a kind of others', crd([version('v1', {})], 'Certificate', 'cert-manager.io')],
  ['one that serves nothing', crd([version('v1', {}, { served: false })])],
  [
    'one without versions',
    { spec: { group: 'security.istio.io', names: { kind: 'PeerAuthentication' }, versions: 3 } },
  ],
])('makes nothing of %s', (_, given) => {
  expect(structureOfCrd(given)).toBeUndefined();
});

test('what an older Istio in the cluster does not know is named as such, what nobody knows as unknown', () => {
  expect(
    faultsOf(policy('{ mtls: { mode: STRICT }, portLevelMtls: { 80: { mode: STRICT } } }'), [
      crd([version('v1', { mtls })]),
    ]),
  ).toEqual([
    expect.stringMatching(
      /^warning unknown-field: This cluster's Istio does not know the field "portLevelMtls" of "spec"/,
    ),
  ]);
  expect(faultsOf(policy('{ mtsl: {} }'), [crd([version('v1', { mtls })])])).toEqual([
    expect.stringMatching(/^error unknown-field: .*Did you mean "mtls"/),
  ]);
});

test('what a newer Istio in the cluster knows is left in peace', () => {
  expect(faultsOf(policy('{ mtls: { mode: LOOSE } }'), [crd([version('v1', { mtls })])])).toEqual([]);
  expect(faultsOf(policy('{ mtls: { mode: LOOSE } }'), [])).toHaveLength(1);
});

test('each version is checked by its own schema', () => {
  const both = [crd([version('v1', { mtls }), version('v1beta1', { mtls: text })])];
  expect(faultsOf(policy('{ mtls: loose }', 'v1beta1'), both)).toEqual([]);
  expect(faultsOf(policy('{ mtls: loose }'), both)).toHaveLength(1);
  expect(faultsOf(policy('{}', 'v1alpha1'), both)).toEqual([
    expect.stringContaining('security.istio.io/v1, security.istio.io/v1beta1'),
  ]);
});
