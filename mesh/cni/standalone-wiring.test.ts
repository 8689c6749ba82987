import { describe, expect, test } from 'vitest';
import type { ConfigMap, Pod } from '../kubernetes.ts';
import { planUnwiring, planWiring, type WiringEdit, type WiringInput } from './standalone-wiring.ts';

const network = {
  name: 'meshloom-cni',
  config: '{"cniVersion":"0.2.0","name":"meshloom-cni","type":"meshloom-cni"}\n',
};
const galaxyText = `{
  "NetworkConf":[
    {"name":"tke-route-eni","type":"tke-route-eni","eni":"eth1","routeTable":1.0},
    {"name":"galaxy-flannel","type":"galaxy-flannel", "delegate":{"type":"galaxy-veth"}}
  ],
  "DefaultNetworks": ["galaxy-flannel"]
}
`;
const galaxy = (text = galaxyText, key = 'galaxy.json'): ConfigMap => ({
  kind: 'ConfigMap',
  metadata: { namespace: 'kube-system', name: 'galaxy-etc' },
  data: { '00-galaxy.conf': '{"type":"galaxy-sdn"}', [key]: text },
});
const call = (first: string, name: string) =>
  `    {{- if .Values.pilot.cni.enabled }}\n    k8s.v1.cni.cncf.io/networks: '{{ appendMultusNetwork ${first} \`${name}\` }}',\n`;
const annotation = '(index .ObjectMeta.Annotations `k8s.v1.cni.cncf.io/networks`)';
const injector = (values: string, config = call(annotation, 'default/istio-cni'), name = 'istio-sidecar-injector') => ({
  kind: 'ConfigMap',
  metadata: { namespace: 'istio-system', name },
  data: { config, values },
});
const pod = (name: string, networks?: string): Pod => ({
  metadata: {
    namespace: 'shop',
    name,
    annotations: { 'sidecar.istio.io/status': '{}', ...(networks && { 'k8s.v1.cni.cncf.io/networks': networks }) },
  },
});

function wire(input: Partial<WiringInput>) {
  return planWiring({
    delegator: 'galaxy',
    network,
    namespaces: [],
    pods: [],
    attachments: [],
    configMaps: [galaxy(), injector('{"pilot":{"cni":{"enabled":true,"provider":"default"}}}')],
    ...input,
  });
}

/** The cluster after the edits, and planned again. */
function applied(edits: readonly WiringEdit[], input: Partial<WiringInput>) {
  const configMaps = (
    input.configMaps ?? [galaxy(), injector('{"pilot":{"cni":{"enabled":true,"provider":"default"}}}')]
  ).map((map) => ({
    ...map,
    data: Object.fromEntries(
      Object.entries(map.data ?? {}).map(([key, text]) => [
        key,
        edits.find((edit) => edit.resource.name === map.metadata?.name && edit.key === key)?.after ?? text,
      ]),
    ),
  }));
  const made = edits.filter(({ key }) => key === undefined).map(({ after }) => JSON.parse(after!) as object);
  return wire({ ...input, configMaps, attachments: [...(input.attachments ?? []), ...made] });
}

describe('Galaxy', () => {
  test('learns the network in whichever key its settings are, and every other byte stays', () => {
    const [edit] = wire({ configMaps: [galaxy(galaxyText, 'my.json'), injector('{}')] }).edits;
    expect(edit).toMatchObject({ key: 'my.json', before: galaxyText });
    const own = '{"cniVersion":"0.2.0","name":"meshloom-cni","type":"meshloom-cni"}';
    expect(edit!.after).toBe(
      galaxyText
        .replace('"galaxy-veth"}}', `"galaxy-veth"}},\n    ${own}`)
        .replace('["galaxy-flannel"]', '["galaxy-flannel","meshloom-cni"]'),
    );
  });

  test('keeps the default network in the annotation that takes the place of its defaults', () => {
    const { edits } = wire({});
    expect(edits.map(({ key }) => key)).toEqual(['galaxy.json', 'values', 'config']);
    expect(edits[2]!.after).toBe(call(`(or ${annotation} \`galaxy-flannel\`)`, 'meshloom-cni'));
    expect(JSON.parse(edits[1]!.after!)).toEqual({ pilot: { cni: { enabled: true, provider: 'multus' } } });
  });

  test('planned again after it was applied, nothing is left to edit', () => {
    expect(applied(wire({}).edits, {}).edits).toEqual([]);
  });

  test('without a default network is refused: ours would be the only one', () => {
    const { edits, problems } = wire({ configMaps: [galaxy('{"NetworkConf":[]}'), injector('{}')] });
    expect(edits.filter(({ resource }) => resource.name === 'galaxy-etc')).toEqual([]);
    expect(problems[0]).toMatchObject({ severity: 'error', resource: { name: 'galaxy-etc' } });
    expect(wire({ configMaps: [injector('{}')] }).problems[0]).toMatchObject({ severity: 'error' });
  });

  test('with a network of ours that says something else gets the new one', () => {
    const stale = galaxyText
      .replace('"DefaultNetworks"', '"X":0,"DefaultNetworks"')
      .replace('tke-route-eni"', 'meshloom-cni"');
    const after = wire({ configMaps: [galaxy(stale), injector('{}')] }).edits[0]!.after!;
    const { NetworkConf } = JSON.parse(after) as { NetworkConf: unknown[] };
    expect(NetworkConf).toHaveLength(2);
    expect(NetworkConf[1]).toEqual(JSON.parse(network.config));
  });
});

describe('Multus', () => {
  test('gets a definition in each namespace that is injected or has injected pods', () => {
    const { edits } = wire({ delegator: 'multus', namespaces: ['bank'], pods: [pod('cart')] });
    const made = edits.filter(({ key }) => key === undefined);
    expect(made.map(({ resource }) => resource.namespace)).toEqual(['bank', 'shop']);
    expect(JSON.parse(made[0]!.after!)).toMatchObject({
      kind: 'NetworkAttachmentDefinition',
      spec: { config: network.config.trim() },
    });
    expect(edits.at(-1)!.after).toBe(call(annotation, 'meshloom-cni'));
    expect(applied(edits, { delegator: 'multus', namespaces: ['bank'], pods: [pod('cart')] }).edits).toEqual([]);
  });
});

describe('the injector', () => {
  test('of an older Istio is told by istio_cni', () => {
    const old = call(annotation, 'istio-cni').replace('.Values.pilot.cni.enabled', 'not .Values.istio_cni.chained');
    const values = '{\n  "global": {},\n  "istio_cni": {\n    "chained": true,\n    "enabled": true\n  }\n}';
    const { edits } = wire({ configMaps: [galaxy(), injector(values, old, 'istio-sidecar-injector-canary')] });
    expect(edits.find(({ key }) => key === 'values')!.after).toBe(
      values.replace('"chained": true', '"chained": false'),
    );
  });

  test('whose templates cannot name a network is named as the obstacle', () => {
    const { problems } = wire({ configMaps: [galaxy(), injector('{}', 'templates: {}')] });
    expect(problems.find(({ severity }) => severity === 'error')?.message).toContain('galaxy-flannel,meshloom-cni');
  });
});

test('pods that do not name the network are named, however they write it', () => {
  const pods = [pod('a'), pod('b', 'x, shop/meshloom-cni@eth1'), pod('c', '[{"name":"meshloom-cni"}]'), pod('d', 'x')];
  expect(wire({ pods }).unnamed.map(({ name }) => name)).toEqual(['a', 'd']);
});

describe('the way back', () => {
  test('gives every text back', () => {
    const { edits } = wire({});
    const back = planUnwiring(edits, ({ after }) => after, network.name);
    expect(back.problems).toEqual([]);
    expect(back.edits.map(({ after }) => after)).toEqual(edits.map(({ before }) => before).reverse());
    expect(planUnwiring(edits, ({ before }) => before, network.name).edits).toEqual([]);
  });

  test('takes ours alone out of what somebody edited since, and says where that cannot be told', () => {
    const { edits } = wire({});
    const changed = ({ after, key }: WiringEdit) =>
      key === 'galaxy.json' ? after!.replace('"eth1"', '"eth2"') : `${after} `;
    const back = planUnwiring(edits, changed, network.name);
    expect(back.edits.map(({ key, after }) => [key, after])).toEqual([
      ['galaxy.json', galaxyText.replace('"eth1"', '"eth2"')],
    ]);
    expect(back.problems).toHaveLength(2);
  });
});
