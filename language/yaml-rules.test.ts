import { expect, test } from 'vitest';
import { Workspace } from './workspace.ts';

const said = (apiVersion: string, kind: string) => {
  const workspace = new Workspace({ rules: [] });
  workspace.setFile('file:///a.yaml', `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: a }\n`);
  return workspace.findings().map(({ message, fixes }) => [message, ...fixes.map(({ title }) => title)].join(' | '));
};

test.each([
  ['networking.istio.io', 'VirtualService', 'networking.istio.io/v1'],
  ['networking.istio/v1', 'VirtualService', 'networking.istio.io/v1'],
  ['security.istio.io/v1', 'DestinationRule', 'networking.istio.io/v1'],
  ['istio.io/v1beta1', 'PeerAuthentication', 'security.istio.io/v1'],
  ['v1', 'EnvoyFilter', 'networking.istio.io/v1alpha3'],
])('%s %s: says which apiVersion it is', (apiVersion, kind, right) => {
  expect(said(apiVersion, kind)).toEqual([
    expect.stringMatching(`${kind} is a kind of ${right}: .*Change to ${right}$`),
  ]);
});

test('a kind that Istio does not have is held against those it has', () => {
  expect(said('networking.istio.io/v1', 'VirtualServices')).toEqual([
    expect.stringContaining('Did you mean "VirtualService"'),
  ]);
});

test.each([
  ['networking.istio.io/v1', 'VirtualService'],
  ['gateway.solo.io/v1', 'VirtualService'],
  ['appmesh.k8s.aws/v1beta2', 'VirtualService'],
  ['install.istio.io/v1alpha1', 'IstioOperator'],
  ['gateway.networking.k8s.io/v1', 'Gateway'],
  ['networking.istio.io/v1', 'VirtualServiceList'],
])('%s %s is left in peace', (apiVersion, kind) => {
  expect(said(apiVersion, kind)).toEqual([]);
});
