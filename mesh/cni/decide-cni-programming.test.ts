import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Container, Pod } from '../kubernetes.ts';
import { decideCniProgramming, type CniSettings } from './decide-cni-programming.ts';

const inject = 'sidecar.istio.io/inject';
const status = { 'sidecar.istio.io/status': '{}' };
const proxy: Container = { name: 'istio-proxy', args: ['proxy', 'sidecar', '--domain', 'x'] };

/** A pod that the injector has been at, in CNI mode, with changes. */
function injected(
  change: {
    name?: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    init?: Container[];
    containers?: Container[];
    hostNetwork?: boolean;
  } = {},
): Pod {
  return {
    metadata: {
      name: change.name ?? 'cart',
      namespace: change.namespace ?? 'shop',
      labels: change.labels ?? {},
      annotations: change.annotations ?? status,
    },
    spec: {
      ...(change.hostNetwork && { hostNetwork: true }),
      initContainers: change.init ?? [{ name: 'istio-validation' }],
      containers: change.containers ?? [proxy, { name: 'app' }],
    },
  };
}

const annotated = (name: string, value: string) => injected({ annotations: { ...status, [name]: value } });
const traffic = (name: string, value: string) => annotated(`traffic.sidecar.istio.io/${name}`, value);

describe("what Istio's CNI plugin does with a pod", () => {
  const table: [what: string, pod: Pod, settings: CniSettings, outcome: string][] = [
    ['an injected pod', injected(), {}, 'inject cni-plugin'],
    ['an injected pod with its proxy as native sidecar', injected({ init: [proxy], containers: [{ name: 'app' }] }), {}, 'inject cni-plugin'],
    ['a pod on the host network', injected({ hostNetwork: true }), {}, 'skip host-network'],
    ['the agent itself', injected({ name: 'istio-cni-node-x', namespace: 'istio-system' }), {}, 'skip cni-agent'],
    ['a pod called like the agent elsewhere', injected({ name: 'istio-cni-node-x' }), {}, 'inject cni-plugin'],
    ['the agent in another namespace', injected({ name: 'istio-cni-node-x', namespace: 'cni' }), { agentNamespace: 'cni' }, 'skip cni-agent'],
    ['a pod in kube-system', injected({ namespace: 'kube-system' }), {}, 'skip cni-excluded-namespace'],
    ['a pod in kube-system where that is not excluded', injected({ namespace: 'kube-system' }), { excludeNamespaces: [] }, 'inject cni-plugin'],
    ['a pod with istio-init', injected({ init: [{ name: 'istio-init' }] }), {}, 'skip istio-init'],
    ['a pod with a container called istio-init', injected({ containers: [proxy, { name: 'istio-init' }] }), {}, 'skip istio-init'],
    ['gRPC without proxy', injected({ containers: [{ ...proxy, env: [{ name: 'DISABLE_ENVOY', value: 'T' }] }] }), {}, 'skip disable-envoy'],
    ['DISABLE_ENVOY that is no Go bool', injected({ containers: [{ ...proxy, env: [{ name: 'DISABLE_ENVOY', value: 'yes' }] }] }), {}, 'inject cni-plugin'],
    ['a pod without proxy', injected({ containers: [{ name: 'app' }] }), {}, 'skip istio-proxy'],
    ['a gateway', injected({ containers: [{ name: 'istio-proxy', args: ['proxy', 'router'] }] }), {}, 'skip proxy-role'],
    ['a proxy without arguments', injected({ containers: [{ name: 'istio-proxy' }] }), {}, 'inject cni-plugin'],
    ['the label "0"', injected({ labels: { [inject]: '0' } }), {}, 'skip label'],
    ['the label "F"', injected({ labels: { [inject]: 'F' } }), {}, 'skip label'],
    ['the label "no"', injected({ labels: { [inject]: 'no' } }), {}, 'inject cni-plugin'],
    ['the empty label over an annotation', { ...injected(), metadata: { labels: { [inject]: '' }, annotations: { ...status, [inject]: 'false' } } }, {}, 'inject cni-plugin'],
    ['the annotation "False"', annotated(inject, 'False'), {}, 'skip annotation'],
    ['a pod that was not injected', injected({ annotations: {} }), {}, 'skip not-injected'],
    ['interception mode TPROXY', annotated('sidecar.istio.io/interceptionMode', 'TPROXY'), {}, 'inject cni-plugin'],
    ['interception mode NONE', annotated('sidecar.istio.io/interceptionMode', 'NONE'), {}, 'reject annotation-value'],
    ['* as excluded ports', traffic('excludeOutboundPorts', '*'), {}, 'inject cni-plugin'],
    ['words as included outbound ports', traffic('includeOutboundPorts', 'http'), {}, 'reject annotation-value'],
    ['no port at all', traffic('includeInboundPorts', ''), {}, 'inject cni-plugin'],
    ['a bare address', traffic('excludeOutboundIPRanges', '10.0.0.1'), {}, 'reject annotation-value'],
    ['* as excluded addresses', traffic('excludeOutboundIPRanges', '*'), {}, 'reject annotation-value'],
    ['an interface name that is too long', traffic('excludeInterfaces', 'a-very-long-interface'), {}, 'inject cni-plugin'],
    ['a wrong value where nothing is programmed', { ...traffic('includeOutboundPorts', 'http'), spec: { containers: [] } }, {}, 'skip istio-proxy'],
    ['an ambient pod', { metadata: { name: 'cart', namespace: 'shop' } }, { ambientEnabled: true, namespace: { metadata: { name: 'shop', labels: { 'istio.io/dataplane-mode': 'ambient' } } } }, 'skip ambient'],
    ['a pod with sidecar in an ambient namespace', injected(), { ambientEnabled: true, namespace: { metadata: { name: 'shop', labels: { 'istio.io/dataplane-mode': 'ambient' } } } }, 'inject cni-plugin'],
  ]; // prettier-ignore
  it.each(table)('%s', (_, pod, settings, outcome) => {
    const { programs, steps } = decideCniProgramming(pod, settings);
    const last = steps.at(-1);
    expect(`${last?.verdict} ${last?.check}`).toBe(outcome);
    expect(programs).toBe(outcome.startsWith('inject'));
  });
});

describe("what Meshloom's CNI plugin does with a pod", () => {
  const decide = (pod: Pod) => decideCniProgramming(pod, { plugin: 'meshloom-cni' });

  it('is what Istio’s does, in its own name', () => {
    const [excluded] = decide(injected({ namespace: 'kube-system' })).steps;
    expect(excluded?.says).toBe(
      "Namespace kube-system is among those that Meshloom's CNI plugin leaves alone (excludeNamespaces).",
    );
    expect(decide(injected()).steps[0]?.says).toBe("Meshloom's CNI plugin programs the redirection when cart starts.");
    expect(decideCniProgramming(injected()).steps[0]?.says).toBe(
      "Istio's CNI plugin programs the redirection when cart starts.",
    );
  });

  it('never keeps a pod from starting, and does not guess what was meant', () => {
    const { programs, steps } = decide(traffic('includeOutboundPorts', 'http'));
    expect(programs).toBe(false);
    expect(steps[0]).toMatchObject({ check: 'annotation-value', verdict: 'reject' });
    expect(steps[0]?.says).toMatch(/^cart starts without its rules: .*includeOutboundPorts says “http”/);
    const none = decide(annotated('sidecar.istio.io/interceptionMode', 'NONE')).steps[0];
    expect(none).toMatchObject({ check: 'interception-mode', verdict: 'skip' });
    expect(none?.says).toBe('The interception mode of cart is NONE: it gets no rules.');
  });

  it('says nothing of Istio’s plugin', () => {
    const pods = [injected(), injected({ namespace: 'kube-system' }), traffic('excludeOutboundIPRanges', '*')];
    for (const pod of pods)
      expect(
        decide(pod)
          .steps.map(({ says }) => says)
          .join(),
      ).not.toContain('Istio');
  });
});

describe('on the recording of a real node with the plugin', () => {
  const state = new URL('../../extension/demo/recordings/with-cni/', import.meta.url);
  const { items } = JSON.parse(readFileSync(new URL('resources.json', state), 'utf8')) as { items: Pod[] };
  const programmed = new Set(
    readdirSync(new URL('rules/', state)).map((file) => file.replace(/\.v[46]\.save$/, '').replace('_', '/')),
  );
  const pods = items.filter(({ kind }) => kind === 'Pod');

  it('holds pods of both kinds', () => {
    expect(programmed.size).toBeGreaterThan(5);
    expect(pods.length).toBeGreaterThan(programmed.size);
  });

  it.each(pods.map((pod) => [`${pod.metadata?.namespace}/${pod.metadata?.name}`, pod] as const))(
    'says of %s whether it got rules',
    (name, pod) => {
      expect(decideCniProgramming(pod).programs).toBe(programmed.has(name));
    },
  );
});
