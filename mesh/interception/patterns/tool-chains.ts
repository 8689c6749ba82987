import * as l10n from '@vscode/l10n';

/** A chain that a known tool writes. */
export interface ToolChain {
  tool: string;
  /** What it is for, in a sentence. */
  purpose: string;
}

type Purposes = [prefix: string, purpose: () => string][];

/** By tool: name, or prefix ending in `*`, of its chains. The first that fits counts. */
const tools: [tool: string, chains: Purposes][] = [
  [
    'CNI plugin portmap',
    [
      [
        'CNI-HOSTPORT-DNAT',
        () => l10n.t('Leads who talks to a port of the node to the pod that has opened it (hostPort).'),
      ],
      [
        'CNI-HOSTPORT-SETMARK',
        () => l10n.t('Marks connections to such ports whose answers have to come back through the node.'),
      ],
      [
        'CNI-HOSTPORT-*',
        () => l10n.t('Gives marked connections to ports that pods have opened on the node the node’s own address.'),
      ],
      ['CNI-DN-*', () => l10n.t('The ports that one pod has opened on the node.')],
      ['CNI-SN-*', () => l10n.t('The way back from ports that one pod has opened on the node.')],
      [
        'HOSTPORT-SNAT',
        () => l10n.t('Gives connections to ports that pods have opened on the node the node’s own address.'),
      ],
    ],
  ],
  [
    'CNI plugin firewall',
    [
      ['CNI-ADMIN', () => l10n.t('The administrator’s own rules, asked before those of the plugin.')],
      ['CNI-FORWARD', () => l10n.t('Lets traffic of pods pass the node.')],
      ['CNI-ISOLATION-*', () => l10n.t('Keeps bridges of different pod networks apart.')],
    ],
  ],
  [
    'kubelet',
    [
      [
        'KUBE-HOSTPORTS',
        () => l10n.t('Leads who talks to a port of the node to the pod that has opened it (hostPort).'),
      ],
      ['KUBE-HP-*', () => l10n.t('One port that a pod has opened on the node.')],
      [
        'KUBE-FIREWALL',
        () => l10n.t('Drops what Kubernetes has marked for dropping, and strangers who talk to loopback addresses.'),
      ],
      ['KUBE-MARK-DROP', () => l10n.t('Marks packets that KUBE-FIREWALL is to drop.')],
      [
        'KUBE-KUBELET-CANARY',
        () => l10n.t('Stays empty: when it is gone, kubelet knows that somebody has flushed the rules.'),
      ],
    ],
  ],
  [
    'kube-router',
    [
      ['KUBE-NWPLCY-*', () => l10n.t('One NetworkPolicy.')],
      ['KUBE-POD-FW-*', () => l10n.t('The NetworkPolicies of one pod.')],
      ['KUBE-ROUTER-*', () => l10n.t('Sends packets of pods through their NetworkPolicies.')],
    ],
  ],
  [
    'flannel',
    [
      ['FLANNEL-POSTRTG', () => l10n.t('Gives what pods send to other networks the node’s own address.')],
      ['FLANNEL-FWD', () => l10n.t('Lets traffic of pods pass the node.')],
    ],
  ],
  [
    'Calico',
    [
      ['cali-nat-outgoing', () => l10n.t('Gives what pods send to other networks the node’s own address.')],
      ['cali-fip-dnat', () => l10n.t('Leads floating addresses to their pods.')],
      ['cali-fip-snat', () => l10n.t('Gives pods with floating addresses these as source.')],
      ['cali-from-wl-dispatch*', () => l10n.t('Finds the policy of the pod that sends.')],
      ['cali-to-wl-dispatch*', () => l10n.t('Finds the policy of the pod that receives.')],
      ['cali-fw-*', () => l10n.t('What one pod may send.')],
      ['cali-tw-*', () => l10n.t('What one pod may receive.')],
      ['cali-pi-*', () => l10n.t('One network policy, for what is received.')],
      ['cali-po-*', () => l10n.t('One network policy, for what is sent.')],
      ['cali-pri-*', () => l10n.t('A profile’s rules for what is received.')],
      ['cali-pro-*', () => l10n.t('A profile’s rules for what is sent.')],
      ['cali-from-*', () => l10n.t('Policy of the node’s own interfaces, for what comes in.')],
      ['cali-to-*', () => l10n.t('Policy of the node’s own interfaces, for what goes out.')],
      ['cali-failsafe-*', () => l10n.t('Ports that no policy may close, so that the node stays reachable.')],
      ['cali-wl-to-host', () => l10n.t('What pods may send to the node itself.')],
      ['cali-rpf-skip', () => l10n.t('Pods that may send with foreign addresses.')],
      ['cali-cidr-block', () => l10n.t('Keeps addresses of services that nobody has from circling.')],
      ['cali-*', () => l10n.t('Network policy and addresses of pods.')],
    ],
  ],
  [
    'Cilium',
    [
      ['CILIUM_PRE_raw', () => l10n.t('Leaves what Cilium’s own programs handle out of connection tracking.')],
      ['CILIUM_OUTPUT_raw', () => l10n.t('Leaves what Cilium’s own programs handle out of connection tracking.')],
      ['CILIUM_PRE_mangle', () => l10n.t('Hands packets that layer 7 policy applies to over to Cilium’s proxy.')],
      ['CILIUM_POST_nat', () => l10n.t('Gives what pods send to other networks the node’s own address.')],
      ['CILIUM_FORWARD', () => l10n.t('Lets traffic of pods pass the node.')],
      ['CILIUM_*', () => l10n.t('Leads packets between the kernel and Cilium’s own programs and proxy.')],
      ['OLD_CILIUM_*', () => l10n.t('Chains of a Cilium that is being replaced.')],
    ],
  ],
  [
    'Weave Net',
    [
      ['WEAVE-NPC-EGRESS*', () => l10n.t('NetworkPolicies, for what pods send.')],
      ['WEAVE-NPC*', () => l10n.t('NetworkPolicies, for what pods receive.')],
      ['WEAVE-*', () => l10n.t('Keeps Weave’s own network going.')],
      ['WEAVE', () => l10n.t('Gives what pods send to other networks the node’s own address.')],
    ],
  ],
  ['kindnet', [['KIND-MASQ-AGENT', () => l10n.t('Gives what pods send to other networks the node’s own address.')]]],
  ['ip-masq-agent', [['IP-MASQ*', () => l10n.t('Gives what pods send to other networks the node’s own address.')]]],
  [
    'Amazon VPC CNI',
    [
      ['AWS-SNAT-CHAIN-*', () => l10n.t('Gives what pods send outside their VPC the node’s own address.')],
      [
        'AWS-CONNMARK-CHAIN-*',
        () => l10n.t('Remembers by which interface connections came, so that answers leave by the same.'),
      ],
    ],
  ],
  [
    'Azure CNI',
    [
      ['AZURECNI*', () => l10n.t('Addresses of pods outside the cluster, and who may talk to the node.')],
      ['SWIFT', () => l10n.t('Addresses of pods outside the cluster, and who may talk to the node.')],
    ],
  ],
  [
    'Antrea',
    [
      ['ANTREA-POSTROUTING', () => l10n.t('Gives what pods send to other networks the node’s own address.')],
      ['ANTREA-*', () => l10n.t('Leads packets of pods past the node’s own rules.')],
    ],
  ],
  ['OVN-Kubernetes', [['OVN-KUBE-*', () => l10n.t('Services and egress addresses of pods.')]]],
  ['OpenShift SDN', [['OPENSHIFT-*', () => l10n.t('Services and egress addresses of pods.')]]],
  [
    'Docker',
    [
      ['DOCKER-USER', () => l10n.t('The administrator’s own rules, asked before those of Docker.')],
      ['DOCKER-ISOLATION-*', () => l10n.t('Keeps networks of containers apart.')],
      ['DOCKER_OUTPUT', () => l10n.t('Leads DNS queries of this container to Docker’s own name server.')],
      ['DOCKER_POSTROUTING', () => l10n.t('Lets answers of Docker’s name server seem to come from port 53.')],
      ['DOCKER-INGRESS', () => l10n.t('Ports that Swarm services have opened on the node.')],
      ['DOCKER*', () => l10n.t('Ports that containers have opened on the machine, and who may reach them.')],
    ],
  ],
  [
    'Podman',
    [['NETAVARK*', () => l10n.t('Ports that containers have opened on the machine, and who may reach them.')]],
  ],
  [
    'Linkerd',
    [
      ['PROXY_INIT_REDIRECT', () => l10n.t('Takes what comes in to Linkerd’s proxy.')],
      ['PROXY_INIT_OUTPUT', () => l10n.t('Takes what the application sends to Linkerd’s proxy.')],
    ],
  ],
  [
    'Kuma',
    [
      ['KUMA_*', () => l10n.t('Takes traffic of the application to the proxy.')],
      ['MESH_(INBOUND|OUTPUT|REDIRECT)*', () => l10n.t('Takes traffic of the application to the proxy.')],
    ],
  ],
  ['Consul', [['CONSUL_*', () => l10n.t('Takes traffic of the application to the proxy.')]]],
  ['Open Service Mesh', [['OSM_PROXY_*', () => l10n.t('Takes traffic of the application to the proxy.')]]],
  [
    'Tailscale',
    [
      ['ts-input', () => l10n.t('What may come in by the Tailscale network.')],
      ['ts-forward', () => l10n.t('What may pass between the Tailscale network and others.')],
      ['ts-postrouting', () => l10n.t('Gives what comes by the Tailscale network this machine’s own address.')],
    ],
  ],
  [
    'ufw',
    [
      ['ufw-*', () => l10n.t('The firewall of the machine.')],
      ['ufw6-*', () => l10n.t('The firewall of the machine.')],
    ],
  ],
  [
    'firewalld',
    [
      ['IN_[a-z]*', () => l10n.t('A zone of the machine’s firewall, for what comes in.')],
      ['FWD[IO]?_[a-z]*', () => l10n.t('A zone of the machine’s firewall, for what passes through.')],
      ['POST_[a-z]*', () => l10n.t('A zone of the machine’s firewall, for what leaves.')],
      ['PRE_[a-z]*', () => l10n.t('A zone of the machine’s firewall, for what enters.')],
      ['INPUT_(direct|ZONES|IN_ZONES|OUT_ZONES|POLICIES)*', () => l10n.t('The firewall of the machine.')],
      ['FORWARD_(direct|ZONES|IN_ZONES|OUT_ZONES|POLICIES)*', () => l10n.t('The firewall of the machine.')],
      ['OUTPUT_(direct|ZONES|IN_ZONES|OUT_ZONES|POLICIES)*', () => l10n.t('The firewall of the machine.')],
      ['PREROUTING_(direct|ZONES|IN_ZONES|OUT_ZONES|POLICIES)*', () => l10n.t('The firewall of the machine.')],
      ['POSTROUTING_(direct|ZONES|IN_ZONES|OUT_ZONES|POLICIES)*', () => l10n.t('The firewall of the machine.')],
    ],
  ],
  ['libvirt', [['LIBVIRT_*', () => l10n.t('Networks of virtual machines on this machine.')]]],
  ['fail2ban', [['f2b-*', () => l10n.t('Addresses that were shut out after failed logins.')]]],
];

/** A star stands for anything; the rest is a regular expression. */
const entries = tools.flatMap(([tool, chains]) =>
  chains.map(([name, purpose]) => ({
    tool,
    purpose,
    pattern: new RegExp(`^${name.replace(/\*/g, '.*')}$`),
  })),
);
const known = new Map<string, (typeof entries)[number] | undefined>();

/** kube-proxy has tens of thousands of these on a large node; nobody else has. */
const ofServices = /^KUBE-(SVC|SVL|SEP|EXT|XLB|FW)-/;

/** Which tool a chain belongs to, and what the chain is for; undefined: nobody's that is known. */
export function findToolChain(chain: string): ToolChain | undefined {
  if (ofServices.test(chain)) return undefined;
  if (!known.has(chain)) {
    // A node with 10,000 services has as many chains: those are not kept for ever.
    if (known.size > 5000) known.clear();
    known.set(
      chain,
      entries.find(({ pattern }) => pattern.test(chain)),
    );
  }
  const found = known.get(chain);
  return found && { tool: found.tool, purpose: found.purpose() };
}
