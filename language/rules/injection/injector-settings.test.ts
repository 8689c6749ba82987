/** What the injector's and the CNI chart's own settings change about the findings. */
import { expect, test } from 'vitest';
import { Workspace } from '../../workspace.ts';
import { podSecurityRefusesInit } from './pod-security-refuses-init.ts';
import { unchainedCniNetwork } from './unchained-cni-network.ts';

const injector = (cni: object, revision = '') => `---
apiVersion: v1
kind: ConfigMap
metadata: { name: istio-sidecar-injector${revision && `-${revision}`}, namespace: istio-system }
data:
  values: '${JSON.stringify({ revision, pilot: { cni } })}'
`;
const chained = (value: string) => `---
apiVersion: v1
kind: ConfigMap
metadata: { name: istio-cni-config, namespace: istio-system }
data: { CHAINED_CNI_PLUGIN: "${value}" }
`;
const namespace = (labels: string) => `---
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { ${labels} } }
`;
const pod = (annotations = '') => `---
apiVersion: v1
kind: Pod
metadata: { name: cart, namespace: shop, annotations: { ${annotations} } }
spec: { containers: [{ name: app, image: x }] }
`;

function judge(text: string): string[] {
  const workspace = new Workspace({ rules: [podSecurityRefusesInit, unchainedCniNetwork] });
  workspace.setFile('a.yaml', text);
  return workspace.findings().map(({ code, severity }) => `${code} ${severity}`);
}

const restricted = namespace('istio-injection: enabled, pod-security.kubernetes.io/enforce: restricted');
const canary = namespace('istio.io/rev: canary, pod-security.kubernetes.io/enforce: baseline');
const enabled = namespace('istio-injection: enabled');
const named = pod('k8s.v1.cni.cncf.io/networks: istio-cni');

test.each<[what: string, text: string, found: string[]]>([
  ['Pod Security, nobody tells of the plugin', restricted, ['ML0111 info']],
  ['Pod Security without the plugin', restricted + injector({ enabled: false }), ['ML0111 warning']],
  ['Pod Security with the plugin', restricted + injector({ enabled: true }), []],
  ['the plugin of another revision', canary + injector({ enabled: true }) + injector({}, 'canary'), ['ML0111 warning']],
  ['the plugin of this revision', canary + injector({}) + injector({ enabled: true }, 'canary'), []],
  ['not chained, and nobody names it', enabled + chained('false') + injector({ enabled: true }) + pod(), ['ML0112 warning']],
  ['not chained, but Multus is known', enabled + chained('false') + injector({ enabled: true, provider: 'multus' }) + pod(), []],
  ['not chained, and named', enabled + chained('false') + injector({ enabled: true }) + named, []],
  ['not chained, and nobody knows the injector', enabled + chained('false') + pod(), []],
  ['not chained, a pod outside', chained('false') + injector({ enabled: true }) + pod(), []],
  ['chained, and named', enabled + chained('true') + named, ['ML0112 warning']],
  ['chained', enabled + chained('true') + injector({ enabled: true }) + pod(), []],
  ['nobody tells', enabled + named, []],
])('%s', (_, text, found) => {
  expect(judge(text)).toEqual(found);
}); // prettier-ignore
