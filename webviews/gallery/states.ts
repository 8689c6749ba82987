import type { FailureView, InterceptionState } from '../../contract/interception-view.ts';
import { describeReading, summarizeReadings, type ReadingText } from '../../contract/reading-view.ts';
import { recordedRules } from './recorded-rules.ts';

const pod = { namespace: 'shop', name: 'reviews-57b9fb8fff-7pnkh', context: 'demo: before CNI' };
const source = 'read at 12:03:11 on node n1 by meshloom-node-helper-x7k2p with the node’s iptables';
const listening = ['15000/tcp loopback', '15001/tcp', '15006/tcp', '15020/tcp', '15021/tcp', '15090/tcp', '9080/tcp'];

/** Every state the interception view can be in, failing ones included, by the name in the page's address. */
export const states: Record<string, () => InterceptionState> = {
  redirect: () => ready(pod.name, pair(recordedRules.redirect)),
  'redirect-busy': () =>
    ready(pod.name, pair({ ...recordedRules.redirect, v4: withTraffic(recordedRules.redirect.v4) })),
  annotated: () => ready('productpage-75bc9f9bfd-fwjsl', pair(recordedRules.annotated)),
  tproxy: () => ready('ratings-544597646d-jhbbx', pair(recordedRules.tproxy)),
  dns: () => ready('dns-fffbf57bf-vzs2j', pair(recordedRules.dns)),
  'unknown-rules': () =>
    ready(pod.name, pair({ ...recordedRules.redirect, v4: withForeignRules(recordedRules.redirect.v4) }), [
      'ip6tables-save could not be run: the kernel has no IPv6 tables.',
    ]),
  'no-rules': () => ({
    ...ready('batch-5c8bdf7f7d-kx2lp', [reading('4', ''), reading('6', '')]),
    listening: ['8080/tcp'],
  }),
  'no-readings': () => ({ ...ready('batch-5c8bdf7f7d-kx2lp', []), listening: [] }),
  'many-150': () => ready('gateway-6b9c7d-2xkqp', [reading('4', generated(150))]),
  'many-2000': () => ready('gateway-6b9c7d-2xkqp', [reading('4', generated(2000))]),
  loading: () => ({ pod, phase: 'loading', readings: [], listening: [], notes: [] }),
  'reading-again': () => ({ ...ready(pod.name, pair(recordedRules.redirect)), phase: 'loading' }),
  'failed-no-helper': () =>
    failed({
      what: 'The rules of reviews-57b9fb8fff-7pnkh cannot be read: no node helper answers on node n1.',
      why: 'No node helper runs on node “n1” of context “kind-mesh”. Rules live in the pod’s network namespace: only a program on its node can look there.',
      next: 'The helper only reads, and you see its manifest and rights before anything is changed.',
      actions: [
        { id: 'deploy-node-helper', label: 'Deploy Node Helper…' },
        { id: 'retry', label: 'Read Again' },
      ],
    }),
  'failed-host-network': () =>
    failed({
      what: 'hostnet-7d9f8c6b5-w2x4z has no rules of its own: it is on the host network.',
      why: 'With “hostNetwork: true” the pod shares the network namespace of node n1. What one would see there are the node’s rules, not the pod’s, and Istio never injects or redirects such a pod.',
      next: 'To bring the workload into the mesh, remove “hostNetwork” from its pod template.',
      actions: [],
    }),
  'failed-cluster': () =>
    failed({
      what: 'The rules of reviews-57b9fb8fff-7pnkh could not be read.',
      why: 'The API server of context kind-mesh (https://127.0.0.1:39443) refused the connection.',
      next: 'Start the cluster or choose another one.',
      actions: [
        { id: 'retry', label: 'Read Again' },
        { id: 'choose-cluster', label: 'Choose Cluster…' },
        { id: 'show-log', label: 'Show Log' },
      ],
    }),
};

function ready(name: string, readings: InterceptionState['readings'], notes: string[] = []): InterceptionState {
  return {
    pod: { ...pod, name },
    phase: 'ready',
    source,
    summary: summarizeReadings(readings),
    readings,
    listening,
    notes,
  };
}

function failed(failure: FailureView): InterceptionState {
  return { pod, phase: 'failed', readings: [], listening: [], notes: [], failure };
}

function pair({ v4, v6 }: { v4: string; v6: string }): InterceptionState['readings'] {
  return [reading('4', v4), reading('6', v6)];
}

function reading(family: ReadingText['family'], text: string): InterceptionState['readings'][number] {
  const tool = family === '4' ? 'iptables-save' : 'ip6tables-save';
  return describeReading({ family, backend: 'nft', text, command: `nsenter --net=/proc/4711/ns/net ${tool} -c` });
}

/** Counters as a pod has them after a day of work: from nothing to billions. */
function withTraffic(text: string): string {
  let seed = 7;
  return text.replace(/^\[\d+:\d+\]/gm, () => {
    seed = (seed * 48271) % 2147483647;
    const packets = seed % 3 === 0 ? 0 : Math.floor(10 ** (seed % 8)) + (seed % 90);
    return `[${packets}:${packets * 60 + (seed % 1000) * Math.min(packets, 1)}]`;
  });
}

/** What other tools, and hands, leave in a pod. */
function withForeignRules(text: string): string {
  return text
    .replace(':ISTIO_INBOUND', ':VENDOR_GUARD - [0:0]\n:ISTIO_INBOUND')
    .replace(
      'COMMIT',
      '[12:720] -A ISTIO_OUTPUT -d 203.0.113.7/32 -p tcp -m tcp --dport 443 -m string --algo bm --string "login" -j VENDOR_GUARD\n[12:720] -A VENDOR_GUARD -m statistic --mode random --probability 0.25000000000 -j DNAT --to-destination 10.88.0.200:8443\nCOMMIT\n*filter\n:INPUT DROP [3:180]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[40:2400] -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT',
    );
}

/** A rule set with so many rules: as a pod with long lists of excluded ports and ranges has. */
function generated(count: number): string {
  const rules = Array.from({ length: count - 3 }, (_, at) =>
    at % 2 === 0
      ? `[${at}:${at * 60}] -A ISTIO_OUTPUT -d 10.${at >> 8}.${at & 255}.0/24 -j RETURN`
      : `[0:0] -A ISTIO_OUTPUT -p tcp -m tcp --dport ${20000 + at} -j RETURN`,
  );
  return `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
[${count}:${count * 60}] -A OUTPUT -j ISTIO_OUTPUT
${rules.join('\n')}
[9:540] -A ISTIO_OUTPUT -j ISTIO_REDIRECT
[9:540] -A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`;
}
