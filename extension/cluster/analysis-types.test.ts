import { expect, test } from 'vitest';
import { analysisTypes, definitionNames } from './analysis-types.ts';

test('the plurals are those of the real definitions', () => {
  expect(analysisTypes.map(({ plural }) => plural)).toEqual([
    ...['nodes', 'pods', 'services', 'serviceaccounts', 'deployments', 'statefulsets', 'daemonsets'],
    ...['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
    ...['virtualservices', 'destinationrules', 'gateways', 'serviceentries', 'sidecars'],
    ...['workloadentries', 'workloadgroups', 'envoyfilters', 'proxyconfigs'],
    ...['authorizationpolicies', 'peerauthentications', 'requestauthentications'],
    ...['telemetries', 'wasmplugins', 'trafficextensions', 'gateways'],
  ]);
  expect(definitionNames()).toContain('virtualservices.networking.istio.io');
  expect(definitionNames()).not.toContain('gateways.gateway.networking.k8s.io');
});
