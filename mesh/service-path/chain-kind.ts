/** What a chain of kube-proxy's is for, by its name, in either mode. */
export type ChainKind =
  | 'base'
  | 'services'
  | 'node-ports'
  | 'service'
  | 'local'
  | 'external'
  | 'firewall'
  | 'endpoint'
  | 'mark'
  | 'mark-drop'
  | 'masquerade'
  | 'check'
  | 'reject'
  | 'forward'
  | 'loopback-guard'
  | 'canary'
  | 'other';

const prefixes: [prefix: string, kind: ChainKind][] = [
  ['KUBE-SVC-', 'service'],
  ['KUBE-SVL-', 'local'],
  ['KUBE-EXT-', 'external'],
  ['KUBE-XLB-', 'external'],
  ['KUBE-FW-', 'firewall'],
  ['KUBE-SEP-', 'endpoint'],
  ['service-', 'service'],
  ['local-', 'local'],
  ['external-', 'external'],
  ['firewall-', 'firewall'],
  ['endpoint-', 'endpoint'],
];

const names: Record<string, ChainKind> = {
  PREROUTING: 'base',
  INPUT: 'base',
  FORWARD: 'base',
  OUTPUT: 'base',
  POSTROUTING: 'base',
  'KUBE-SERVICES': 'services',
  'KUBE-NODEPORTS': 'node-ports',
  'KUBE-MARK-MASQ': 'mark',
  'KUBE-MARK-DROP': 'mark-drop',
  'KUBE-POSTROUTING': 'masquerade',
  'KUBE-PROXY-FIREWALL': 'check',
  'KUBE-EXTERNAL-SERVICES': 'check',
  'KUBE-FORWARD': 'forward',
  'KUBE-FIREWALL': 'loopback-guard',
  'KUBE-PROXY-CANARY': 'canary',
  'KUBE-KUBELET-CANARY': 'canary',
  'KUBE-IPTABLES-HINT': 'canary',
  services: 'services',
  masquerading: 'masquerade',
  'mark-for-masquerade': 'mark',
  'reject-chain': 'reject',
  'cluster-ips-check': 'check',
  'service-endpoints-check': 'check',
  'nodeport-endpoints-check': 'check',
  'firewall-check': 'check',
};

/** `KUBE-SVC-…` and `service-…` are both `service`. */
export function chainKind(name: string): ChainKind {
  if (Object.hasOwn(names, name)) return names[name]!;
  if (/^(filter|nat)-(prerouting|input|forward|output|postrouting)/.test(name)) return 'base';
  // `firewall-check` is found above; a service's own chains carry a hash behind the word.
  return prefixes.find(([prefix]) => name.startsWith(prefix))?.[1] ?? 'other';
}
