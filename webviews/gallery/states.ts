import type { CompareView, DriftView, FailureView, InterceptionState } from '../../contract/interception-view.ts';
import { describeReading, summarizeReadings, type ReadingText } from '../../contract/reading-view.ts';
import { findDrift } from '../../mesh/interception/find-drift.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import type { UiState } from '../interception/ui-state.ts';
import { armCounters } from '../interception/watch/counter-deltas.ts';
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
  'many-50000': () => ready('gateway-6b9c7d-2xkqp', [reading('4', generated(50_000))]),
  'many-chains': () => ready('node-n1', [reading('4', kubeProxy(900))]),
  markup: () =>
    ready(
      '<img src=x onerror=alert(1)>',
      [reading('4', withMarkup(recordedRules.redirect.v4))],
      ['<b>bold</b> & <script>'],
    ),
  computed: () => ({
    ...ready(pod.name, [reading('4', withoutCounters(recordedRules.redirect.v4))]),
    source: 'worked out at 12:03:11 from the pod’s annotations and the mesh configuration of revision default',
    origin: {
      kind: 'computed',
      why: 'No node helper answers on node n1, and ephemeral containers are not allowed in namespace shop.',
    },
    listening: [],
  }),
  partial: () => ({
    ...ready(pod.name, [reading('4', recordedRules.redirect.v4)]),
    gaps: [
      { what: 'IPv6 · nft', why: 'ip6tables-save ended after 30 seconds without an answer.' },
      { what: 'IPv4 · legacy', why: 'The helper lost its connection in the middle of the table nat.' },
    ],
  }),
  graph: () => ready(pod.name, pair({ ...recordedRules.redirect, v4: withTraffic(recordedRules.redirect.v4) })),
  'graph-tproxy': () => ready('ratings-544597646d-jhbbx', pair(recordedRules.tproxy)),
  'graph-traced': () => ready(pod.name, pair(recordedRules.redirect)),
  trace: () => ({
    ...ready(pod.name, pair(recordedRules.redirect)),
    trace: {
      podIps: ['10.88.0.31'],
      nodeIps: ['10.88.0.1'],
      appPorts: [9080],
      appUid: 2000,
      service: { name: 'ratings', ip: '10.96.12.7', port: 9080 },
      dnsIp: '10.96.0.10',
    },
  }),
  'trace-dropped': () =>
    ready(pod.name, pair({ ...recordedRules.redirect, v4: withForeignRules(recordedRules.redirect.v4) })),
  'trace-invalid': () => ready(pod.name, pair(recordedRules.redirect)),
  'drift-none': () => drifted(recordedRules.redirect.v4),
  'drift-some': () => drifted(withChanges(recordedRules.redirect.v4)),
  'drift-everything': () => drifted('*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n'),
  'drift-unknown': () => ({
    ...ready(pod.name, pair(recordedRules.redirect)),
    drift: {
      basis: 'the arguments of istio-init in the running pod',
      comparisons: [
        {
          reading: '4-nft',
          status: 'unknown',
          differences: [],
          whyUnknown: 'The rules overlap in too many ways to be compared packet by packet.',
        },
      ],
      whyUnknown: 'The pod’s ServiceAccount may not read the mesh configuration.',
    },
  }),
  'drift-waiting': () => ({ ...ready(pod.name, pair(recordedRules.redirect)), phase: 'loading' }),
  watch: () => ({ ...ready(pod.name, pair(recordedRules.redirect)), watch: { on: false, seconds: 2 } }),
  'watch-armed': () => ({ ...ready(pod.name, pair(busier(recordedRules.redirect))), watch: { on: true, seconds: 2 } }),
  'watch-quiet': () => ({ ...ready(pod.name, pair(recordedRules.redirect)), watch: { on: true, seconds: 5 } }),
  'watch-trouble': () => ({
    ...ready(pod.name, pair(busier(recordedRules.redirect))),
    watch: {
      on: true,
      seconds: 2,
      trouble: 'The node helper on n1 does not answer since 12:04:20. The next try is in 2 seconds.',
    },
  }),
  'watch-computed': () => ({
    ...ready(pod.name, [reading('4', withoutCounters(recordedRules.redirect.v4))]),
    origin: { kind: 'computed', why: 'No node helper answers on node n1.' },
  }),
  compare: () => ready(pod.name, pair(recordedRules.redirect)),
  'compare-differs': () => ({
    ...ready(pod.name, pair(recordedRules.redirect)),
    compare: comparison(recordedRules.annotated),
  }),
  'compare-same': () => ({
    ...ready(pod.name, pair(recordedRules.redirect)),
    compare: comparison(recordedRules.redirect),
  }),
  'compare-loading': () => ({
    ...ready(pod.name, pair(recordedRules.redirect)),
    compare: { ...comparison(recordedRules.annotated), phase: 'loading', readings: [] },
  }),
  'compare-failed': () => ({
    ...ready(pod.name, pair(recordedRules.redirect)),
    compare: {
      ...comparison(recordedRules.annotated),
      phase: 'failed',
      readings: [],
      failure: {
        what: 'The rules of productpage-75bc9f9bfd-fwjsl cannot be read: no node helper answers on node n2.',
        why: 'No node helper runs on node “n2” of context “kind-mesh”.',
        next: 'Deploy the node helper, then compare again.',
        actions: [{ id: 'deploy-node-helper', label: 'Deploy Node Helper…' }],
      },
    },
  }),
  raw: () => ready(pod.name, pair(recordedRules.redirect)),
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

const dropped = {
  direction: 'in',
  protocol: 'tcp',
  src: '10.88.0.40',
  sport: '',
  dst: '10.88.0.31',
  dport: '15020',
  uid: '',
  gid: '',
  iface: '',
  mark: '',
  ctstate: 'NEW',
  localIps: '10.88.0.31',
} as const;
const outgoing = { ...dropped, direction: 'out', src: '', dst: '10.96.12.7', dport: '9080', uid: '2000' } as const;

/** What a person has set before a state is looked at, where it shows something else than the Rules tab. */
export const settings: Record<string, () => Partial<UiState>> = {
  graph: () => ({ tab: 'graph', node: 'nat/ISTIO_INBOUND' }),
  'graph-tproxy': () => ({ tab: 'graph' }),
  'many-chains': () => ({ tab: 'graph' }),
  'graph-traced': () => ({ tab: 'graph', trace: outgoing, showTrace: true }),
  trace: () => ({ tab: 'trace' }),
  'trace-dropped': () => ({ tab: 'trace', trace: dropped, showTrace: true }),
  'trace-invalid': () => ({ tab: 'trace', trace: { ...outgoing, dst: 'reviews', dport: '99999' } }),
  'drift-none': () => ({ tab: 'drift' }),
  'drift-some': () => ({ tab: 'drift' }),
  'drift-everything': () => ({ tab: 'drift' }),
  'drift-unknown': () => ({ tab: 'drift' }),
  'drift-waiting': () => ({ tab: 'drift' }),
  watch: () => ({ tab: 'watch' }),
  'watch-armed': () => ({ tab: 'watch', watch: armCounters(pair(recordedRules.redirect), Date.now() - 60_000) }),
  'watch-quiet': () => ({ tab: 'watch', watch: armCounters(pair(recordedRules.redirect), Date.now() - 60_000) }),
  'watch-trouble': () => ({ tab: 'watch', watch: armCounters(pair(recordedRules.redirect), Date.now() - 60_000) }),
  'watch-computed': () => ({ tab: 'watch' }),
  compare: () => ({ tab: 'compare' }),
  'compare-differs': () => ({ tab: 'compare' }),
  'compare-same': () => ({ tab: 'compare' }),
  'compare-loading': () => ({ tab: 'compare' }),
  'compare-failed': () => ({ tab: 'compare' }),
  raw: () => ({ tab: 'raw' }),
};

/** The pod that the gallery's host picks to compare with. */
export function comparison(rules: { v4: string; v6: string }): CompareView {
  return { pod: { ...pod, name: 'productpage-75bc9f9bfd-fwjsl' }, phase: 'ready', readings: pair(rules) };
}

/** The same pod a little later: some of its rules have met packets. */
export function afterTraffic(state: InterceptionState): InterceptionState {
  return {
    ...state,
    readings: state.readings.map(({ raw, id, command }) =>
      describeReading({
        family: id.startsWith('6') ? '6' : '4',
        backend: 'nft',
        text: moreTraffic(raw),
        ...(command && { command }),
      }),
    ),
  };
}

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

function busier({ v4, v6 }: { v4: string; v6: string }): { v4: string; v6: string } {
  return { v4: moreTraffic(v4), v6 };
}

/** A client has called the application, and the application a service. */
function moreTraffic(text: string): string {
  const met = /-A (PREROUTING|OUTPUT|ISTIO_REDIRECT|ISTIO_IN_REDIRECT|ISTIO_OUTPUT -j|ISTIO_INBOUND -p tcp -j) /;
  return text.replace(/^\[(\d+):(\d+)\] (-A .*)$/gm, (line, packets: string, bytes: string, rule: string) =>
    met.test(`${rule} `) ? `[${Number(packets) + 17}:${Number(bytes) + 1020}] ${rule}` : line,
  );
}

/** Changed by hand, by another tool, and by an older version. */
function withChanges(text: string): string {
  return text
    .replace(/^.*--dport 15020 -j RETURN\n/m, '')
    .replace('--to-ports 15006', '--to-ports 15007')
    .replace(
      /^(.*-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT)$/m,
      '[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 8443 -j RETURN\n$1',
    );
}

function drifted(actual: string): InterceptionState {
  const v6 = recordedRules.redirect.v6;
  const compare = (id: string, wanted: string, there: string): DriftView['comparisons'][number] => ({
    reading: id,
    expected: wanted,
    ...findDrift(
      {
        mode: 'sidecar-redirect',
        by: 'init',
        ruleset: parseRules(wanted),
        rules: parseRules(wanted).chains.flatMap(({ rules }) =>
          rules.map(({ table, chain, text }) => ({
            table,
            chain,
            text,
            cause: 'traffic.sidecar.istio.io/excludeInboundPorts: "15090,15021,15020"',
          })),
        ),
        assumptions: [],
      },
      parseRules(there),
    ),
  });
  return {
    ...ready(pod.name, pair({ v4: actual, v6 })),
    drift: {
      basis: 'the arguments of istio-init in the running pod',
      comparisons: [compare('4-nft', recordedRules.redirect.v4, actual), compare('6-nft', v6, v6)],
    },
  };
}

function withoutCounters(text: string): string {
  return text.replace(/^\[\d+:\d+\] /gm, '');
}

/** Names and comments that would be a script, were they not text. */
function withMarkup(text: string): string {
  return text.replace(
    'COMMIT',
    ':<b>X</b> - [0:0]\n[1:60] -A ISTIO_OUTPUT -m comment --comment "<img src=x onerror=alert(1)>" -j <b>X</b>\n[1:60] -A <b>X</b> -m comment --comment "</code><script>alert(2)</script> \\"quoted\\"" -j DROP\nCOMMIT',
  );
}

/** The rules of kube-proxy for so many services with two endpoints each. */
function kubeProxy(services: number): string {
  const name = (at: number) => at.toString(36).toUpperCase().padStart(4, 'X');
  const all = Array.from({ length: services }, (_, at) => at);
  return `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
${all.map((at) => `:KUBE-SVC-${name(at)} - [0:0]\n:KUBE-SEP-${name(at)}A - [0:0]\n:KUBE-SEP-${name(at)}B - [0:0]`).join('\n')}
[900:54000] -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
[400:24000] -A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
${all.map((at) => `[${at % 7}:${(at % 7) * 60}] -A KUBE-SERVICES -d 10.96.${at >> 8}.${at & 255}/32 -p tcp -m comment --comment "shop/svc-${at} cluster IP" -m tcp --dport 80 -j KUBE-SVC-${name(at)}`).join('\n')}
${all
  .map(
    (
      at,
    ) => `[0:0] -A KUBE-SVC-${name(at)} -m comment --comment "shop/svc-${at} -> 10.1.${at >> 8}.${at & 255}:8080" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-${name(at)}A
[0:0] -A KUBE-SVC-${name(at)} -m comment --comment "shop/svc-${at} -> 10.2.${at >> 8}.${at & 255}:8080" -j KUBE-SEP-${name(at)}B
[0:0] -A KUBE-SEP-${name(at)}A -p tcp -m tcp -j DNAT --to-destination 10.1.${at >> 8}.${at & 255}:8080
[0:0] -A KUBE-SEP-${name(at)}B -p tcp -m tcp -j DNAT --to-destination 10.2.${at >> 8}.${at & 255}:8080`,
  )
  .join('\n')}
COMMIT
`;
}
