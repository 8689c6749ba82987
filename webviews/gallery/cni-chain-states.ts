/** What a host could say of a node's chain, from sound to silent. */
import type {
  AgentView,
  ChainPluginView,
  CniChainState,
  DiffLineView,
  HeldPodView,
  PlanView,
  PodRecordView,
  ProblemView,
} from '../../contract/cni-chain-view.ts';

const published = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];

const blank: CniChainState = {
  node: 'n1',
  context: 'demo: a shop with seven faults',
  phase: 'ready',
  facts: [],
  notices: [],
  files: [],
  problems: [],
  network: [],
  pods: [],
  daemonSets: [],
};

const facts = [
  { name: 'Runtime', value: 'containerd 1.6.20' },
  { name: 'Kubelet', value: 'v1.30.4' },
  { name: 'System', value: 'Debian GNU/Linux 12 (bookworm)' },
  { name: 'Configuration directory', value: '/etc/cni/net.d', source: 'containerd says so itself' },
  { name: 'Program directories', value: '/opt/cni/bin', source: 'containerd says so itself' },
  { name: 'Last loaded by the runtime', value: 'without an error' },
];

const network = [
  { name: 'Subnet of the pods', value: '10.88.0.0/24', source: '/run/flannel/subnet.env' },
  { name: 'MTU', value: '1450', source: '/run/flannel/subnet.env' },
  { name: 'Bridge', value: 'cni0 · 10.88.0.1/24 · MTU 1450' },
  { name: 'FLANNEL_NETWORK', value: '10.88.0.0/16', source: '/run/flannel/subnet.env' },
  { name: 'FLANNEL_IPMASQ', value: 'true', source: '/run/flannel/subnet.env' },
  { name: 'Addresses leased in podnet', value: '41 of 253' },
];

const daemonSets: CniChainState['daemonSets'] = [
  {
    product: 'Istio CNI 1.32.0',
    name: 'istio-system/istio-cni-node',
    standing: 'hangs in Terminating: CNI version',
    ready: false,
    hostPaths: ['/etc/cni/net.d', '/opt/cni/bin', '/proc', '/var/run/istio-cni', '/var/run/netns'],
  },
  {
    product: 'Galaxy v1.0.8',
    name: 'kube-system/galaxy-daemonset',
    standing: 'ready',
    ready: true,
    hostPaths: ['/etc/cni/net.d', '/etc/kubernetes', '/opt/cni/bin', '/var/run'],
  },
];

const galaxy: ChainPluginView = {
  type: 'galaxy-sdn',
  role: 'calls other plugins',
  kind: 'meta',
  program: 'there',
  path: '/opt/cni/bin/galaxy-sdn',
  versions: ['0.1.0', '0.2.0'],
  calls: [{ type: 'galaxy-veth', why: 'delegate', says: 'network galaxy-flannel · speaks 0.1.0, 0.2.0' }],
  severity: 'error',
};

const bridge: ChainPluginView = {
  type: 'bridge',
  role: 'connects the pod',
  kind: 'network',
  program: 'there',
  path: '/opt/cni/bin/bridge',
  versions: published.slice(0, 6),
  calls: [{ type: 'host-local', why: 'addresses' }],
};
const missingBridge: ChainPluginView = {
  type: 'bridge',
  role: 'connects the pod',
  kind: 'network',
  program: 'missing',
  whyUnknown: 'There is no program bridge in /opt/cni/bin.',
  calls: [{ type: 'host-local', why: 'addresses' }],
  severity: 'error',
};
const portmap: ChainPluginView = {
  type: 'portmap',
  role: 'adjusts the connection',
  kind: 'adjust',
  program: 'there',
  path: '/opt/cni/bin/portmap',
  versions: published.slice(0, 6),
  calls: [],
};
const own: ChainPluginView = {
  type: 'meshloom-cni',
  role: 'redirects traffic to the mesh’s proxy',
  kind: 'mesh',
  program: 'there',
  path: '/opt/cni/bin/meshloom-cni',
  versions: published,
  calls: [],
};

const versionProblem: ProblemView = {
  severity: 'error',
  code: 'ML2001',
  title: 'The list asks a plugin for a version that it does not speak',
  says: '“00-galaxy.conflist” asks every plugin for 0.3.1; galaxy-sdn speaks only 0.1.0, 0.2.0. Pods neither start nor stop.',
  whatToDo: 'Set the list’s “cniVersion” to one that every plugin reports, or upgrade the plugin that lags behind.',
  about: 'galaxy-sdn',
};

const pods: HeldPodView[] = [
  {
    namespace: 'shop',
    name: 'batch-5fdc6666cd-6kbwm',
    stuck: 'starting',
    short: 'hangs: CNI version',
    says: 'The pod hangs in ContainerCreating: node n1 cannot set up its network. The CNI configuration asks for version 0.3.1, but the plugin galaxy-sdn speaks only 0.1.0, 0.2.0.',
    next: 'Give the configuration a version that every plugin of the chain speaks (here: 0.1.0, 0.2.0), or put the original file back.',
  },
  {
    namespace: 'default',
    name: 'web',
    stuck: 'ending',
    short: 'hangs in Terminating: CNI version',
    says: 'The pod is ending and has no event of its own yet, but node n1 cannot take down any pod’s network; shop/batch-5fdc6666cd-6kbwm shows why.',
    next: 'Give the configuration a version that every plugin of the chain speaks, or put the original file back.',
  },
];

const heldByValidation: HeldPodView = {
  namespace: 'shop',
  name: 'reviews-v1-7d9c9b5f4-x2k8p',
  stuck: 'unprotected',
  short: 'not redirected: istio-validation failed',
  says: 'istio-validation holds the pod, as its traffic is not redirected to the proxy (exit code 126): no CNI plugin of the mesh has programmed this pod.',
  next: 'See the CNI chain of the node, then delete the pod so that it starts anew: restarting its containers alone programs nothing.',
};

const wrapped = `{
  "cniVersion": "0.3.1",
  "name": "k8s-pod-network",
  "plugins": [
    {
      "name": "galaxy",
      "type": "galaxy-sdn"
    }
  ]
}
`;

const line = (kind: DiffLineView['kind'], text: string, before?: number, after?: number): DiffLineView => ({
  kind,
  text,
  ...(before !== undefined && { before }),
  ...(after !== undefined && { after }),
});

const repairPlan: PlanView = {
  title: 'What a repair would change',
  says: 'Afterwards “00-galaxy.conf” is in force. Every plugin is asked for version 0.2.0. Nothing has been changed yet.',
  refused: false,
  problems: [],
  files: [
    {
      name: '00-galaxy.conf',
      change: 'create',
      lines: [
        line('added', '{', undefined, 1),
        line('added', '  "name": "galaxy",', undefined, 2),
        line('added', '  "type": "galaxy-sdn"', undefined, 3),
        line('added', '}', undefined, 4),
      ],
    },
    {
      name: '00-galaxy.conflist',
      change: 'remove',
      lines: wrapped
        .trim()
        .split('\n')
        .map((text, at) => line('removed', text, at + 1)),
    },
  ],
};

const installPlan: PlanView = {
  title: 'What an installation would change',
  says: 'Afterwards “10-bridge.conflist” is in force. Every plugin is asked for version 0.4.0. Nothing has been changed yet.',
  refused: false,
  problems: [],
  files: [
    {
      name: '10-bridge.conflist',
      change: 'write',
      lines: [
        line('gap', '9'),
        line('same', '    {', 10, 10),
        line('same', '      "type": "portmap",', 11, 11),
        line('same', '      "capabilities": { "portMappings": true }', 12, 12),
        line('removed', '    }', 13),
        line('added', '    },', undefined, 13),
        line(
          'added',
          '    { "type": "meshloom-cni", "capabilities": { "io.kubernetes.cri.pod-annotations": true } }',
          undefined,
          14,
        ),
        line('same', '  ]', 14, 15),
        line('same', '}', 15, 16),
      ],
    },
  ],
};

const record = (name: string, more: Partial<PodRecordView> = {}): PodRecordView => ({
  namespace: 'shop',
  name,
  outcome: 'programmed',
  label: 'programmed by Meshloom',
  severity: 'good',
  says: 'The redirect rules are in its network namespace (iptables-nft; IPv4, IPv6).',
  steps: ['Meshloom’s CNI plugin programs the redirection when this pod starts.'],
  problems: [],
  at: '21/11/2026, 10:31:46, in 38.2 ms',
  ...more,
});

const agent: AgentView = {
  severity: 'good',
  says: 'The agent of Meshloom’s CNI plugin has run since 21/11/2026, 09:00:12 and knows the node’s pods from the API server.',
  facts: [
    { name: 'Version', value: '0.1.0' },
    { name: 'Memory', value: '47.3 MiB' },
    { name: 'Namespaces left alone', value: 'kube-system' },
    { name: 'A pod without its rules', value: 'is given them later' },
    { name: 'iptables', value: 'as the pod’s own network namespace shows' },
  ],
  counts: [
    { outcome: 'programmed', label: 'programmed by Meshloom', count: 12 },
    { outcome: 'declined', label: 'left alone by Meshloom', count: 4 },
    { outcome: 'missed', label: 'missed: started without its rules', count: 1 },
  ],
  records: [
    record('ratings-7bcb87fbbc-lh2bb', {
      outcome: 'missed',
      label: 'missed: started without its rules',
      severity: 'error',
      says: 'It started without its rules, because no agent answered at that moment.',
      steps: [],
      problems: ['iptables-restore: line 4 failed'],
    }),
    record('reviews-6cb6f49678-9fmxc'),
    record('batch-5fdc6666cd-6kbwm', {
      outcome: 'declined',
      label: 'left alone by Meshloom',
      severity: 'info',
      says: 'batch-5fdc6666cd-6kbwm has no container istio-proxy.',
      steps: ['batch-5fdc6666cd-6kbwm has no container istio-proxy.'],
    }),
  ],
  omitted: 14,
  notes: [],
};

const broken: CniChainState = {
  ...blank,
  knownFrom: 'helper',
  source: 'read at 10:31:46 by meshloom-node-helper-x7k2p',
  summary: { severity: 'error', says: `${versionProblem.says} 2 pods hang on it.` },
  facts,
  files: [
    {
      name: '00-galaxy.conflist',
      standing: 'in-force',
      says: 'The runtime uses this file for every pod.',
      content: wrapped,
    },
    {
      name: '10-flannel.conflist',
      standing: 'shadowed',
      says: 'Not used: 00-galaxy.conflist comes first in byte order of the names.',
      content: '{ "name": "cbr0" }\n',
    },
    {
      name: 'ZZZ-istio-cni-kubeconfig',
      standing: 'ignored',
      says: 'No runtime reads it: its name ends in none of .conf, .conflist and .json.',
    },
  ],
  chain: {
    file: '00-galaxy.conflist',
    name: 'k8s-pod-network',
    cniVersion: '0.3.1',
    versions: published,
    plugins: [galaxy],
  },
  problems: [
    versionProblem,
    {
      severity: 'warning',
      code: 'ML2007',
      title: 'A file is shadowed by another',
      says: '“10-flannel.conflist” is not used: “00-galaxy.conflist” comes before it.',
      whatToDo:
        'Only the first file in byte order of the names counts. Remove the one that is not meant, or rename it to come first.',
      about: '10-flannel.conflist',
    },
  ],
  network,
  pods,
  daemonSets,
  plan: repairPlan,
};

const { plan: _repair, ...withoutPlan } = broken;

const sound: CniChainState = {
  ...withoutPlan,
  summary: {
    severity: 'good',
    says: 'The chain is sound: every plugin is there and speaks the version that it is asked for.',
  },
  chain: {
    file: '10-bridge.conflist',
    name: 'podnet',
    cniVersion: '0.4.0',
    versions: published,
    plugins: [bridge, portmap, own],
  },
  files: [
    {
      name: '10-bridge.conflist',
      standing: 'in-force',
      says: 'The runtime uses this file for every pod.',
      content: '{ "cniVersion": "0.4.0" }\n',
    },
  ],
  problems: [],
  pods: [],
  daemonSets: [],
  agent,
};

const { knownFrom: _from, source: _source, chain: _chain, ...unread } = withoutPlan;
const long = (count: number) =>
  Array.from({ length: count }, (_, at) => line('added', `    "entry-${at}": true,`, undefined, at + 1));
const silent: CniChainState = {
  ...blank,
  phase: 'failed',
  failure: {
    what: 'Node n1 could not be read.',
    why: 'The API server of kind-mesh (https://127.0.0.1:6443) did not answer within 15 s.',
    next: 'See whether it runs, or choose another cluster.',
    actions: [
      { id: 'retry', label: 'Read Again' },
      { id: 'choose-cluster', label: 'Choose Cluster…' },
      { id: 'show-log', label: 'Show Log' },
    ],
  },
};
const apiAlone: CniChainState = {
  ...unread,
  knownFrom: 'api',
  facts: facts.slice(0, 3),
  files: [],
  network: [],
  problems: [{ ...versionProblem, code: '', title: 'CNI version, 41 times in the events', about: 'galaxy-sdn' }],
};
const because = (what: string, why: string, next: string, deploy: boolean): NonNullable<CniChainState['failure']> => ({
  what,
  why,
  next,
  actions: [
    ...(deploy ? [{ id: 'deploy-node-helper', label: 'Deploy Node Helper' } as const] : []),
    { id: 'retry', label: 'Read Again' },
  ],
});
const apiOnly = 'This is what the API alone tells of node n1.';

export const cniChainStates: Record<string, () => CniChainState> = {
  broken: () => broken,
  sound: () => sound,
  healed: () => ({
    ...sound,
    summary: { severity: 'good', says: 'Healed: the chain is sound now, and no pod hangs on it.' },
    plan: { ...repairPlan, title: 'What the repair changed', says: 'Afterwards “00-galaxy.conf” is in force.' },
  }),
  'plan-installation': () => ({ ...sound, plan: installPlan }),
  'plan-refused': () => ({
    ...broken,
    plan: {
      title: 'What an installation would change',
      says: 'Refused: nothing is changed. The reasons stand below.',
      refused: true,
      problems: [
        {
          severity: 'error',
          code: 'ML2001',
          says: 'No version is spoken by every plugin: galaxy-sdn speaks 0.1.0, 0.2.0; meshloom-cni 0.3.0 to 1.1.0.',
        },
      ],
      files: [],
    },
  }),
  'plan-large': () => ({
    ...sound,
    plan: {
      ...installPlan,
      files: [
        {
          name: '10-large.conflist',
          change: 'write',
          lines: long(600),
          note: '9400 more lines are not shown here; open the diff editor for all of them.',
        },
      ],
    },
  }),
  loading: () => ({ ...blank, phase: 'loading' }),
  hung: () => ({
    ...blank,
    phase: 'loading',
    notices: [
      {
        severity: 'warning',
        says: 'No answer for 8 s yet. The API server of kind-mesh, or the node itself, is slow or does not answer.',
      },
    ],
  }),
  failed: () => silent,
  'no-helper': () => ({
    ...apiAlone,
    failure: because(
      apiOnly,
      'No node helper runs on node “n1” of context “broken”. Deploy it to look into the node.',
      'Deploy the node helper: it only reads, and you see its manifest and rights before anything is changed.',
      true,
    ),
  }),
  'helper-too-old': () => ({
    ...apiAlone,
    failure: because(
      apiOnly,
      'This helper does not know “read-cni”.',
      'The node helper there is older than this extension: deploy it again.',
      true,
    ),
  }),
  unreadable: () => ({
    ...apiAlone,
    failure: because(
      apiOnly,
      'The node helper did not answer with JSON.',
      'Try again; if it stays, deploy the node helper again.',
      false,
    ),
  }),
  empty: () => {
    const { chain: _none, ...rest } = sound;
    return {
      ...rest,
      summary: { severity: 'error', says: 'There is no configuration in the directory. No pod hangs on it yet.' },
      files: [],
      problems: [
        {
          severity: 'error',
          code: 'ML2011',
          title: 'There is no CNI configuration',
          says: 'The runtime finds no file that it could load, so no pod gets a network and the node is not ready.',
          whatToDo: 'Install the network plugin; if the runtime is configured to use another directory, look there.',
        },
      ],
    };
  },
  unprotected: () => ({
    ...sound,
    summary: {
      severity: 'error',
      says: 'The agent gave its last sign of life at 21/11/2026, 09:12:40 and does not answer now.',
    },
    pods: [heldByValidation],
    agent: {
      ...agent,
      severity: 'error',
      says: 'The agent gave its last sign of life at 21/11/2026, 09:12:40 and does not answer now. Pods that start meanwhile get no rules from it; they are noted, and repaired when it is back.',
    },
  }),
  'unknown-versions': () => ({
    ...broken,
    chain: { ...broken.chain!, plugins: [missingBridge, portmap] },
  }),
  markup: () => ({
    ...broken,
    node: '<img src=x onerror=alert(1)>',
    files: [{ name: '<b>x</b>.conf', standing: 'broken', says: '<script>alert(1)</script>', content: '<i>{</i>' }],
    pods: [{ ...heldByValidation, name: '<img src=x>' }],
  }),
};
