/**
 * Everything that decides which rules a pod gets: what the arguments of `istio-init` say, or what the CNI plugin reads
 * from the pod. Rules follow from this record alone, whoever programs them.
 */
export interface InterceptionSettings {
  /** `istio-init` in the pod, or the CNI plugin on the node. */
  programmedBy: 'init' | 'cni';
  mode: 'REDIRECT' | 'TPROXY';
  /** Where the proxy takes what goes out (15001) and what comes in (15006); HBONE tunnels (15008) are not redirected. */
  outboundPort: string;
  inboundPort: string;
  tunnelPort: string;
  /** Mark of packets that TPROXY hands to the proxy; the proxy's calls to its own pod carry this plus one. */
  tproxyMark: number;
  /** Who the proxy is. */
  proxyUids: string[];
  proxyGids: string[];
  /** `*`: all. Empty: none. */
  includeInboundPorts: '*' | string[];
  excludeInboundPorts: string[];
  includeOutboundPorts: string[];
  excludeOutboundPorts: string[];
  /** CIDR ranges of both families. */
  includeOutboundRanges: '*' | string[];
  excludeOutboundRanges: string[];
  excludeInterfaces: string[];
  /** Interfaces behind which a virtual machine or an inner docker sends. */
  virtualInterfaces: string[];
  captureDns: boolean;
  /** False: only what goes to `dnsServers`. The CNI plugin cannot know them and takes all. */
  captureAllDns: boolean;
  /** Name servers of the pod's resolv.conf. */
  dnsServers: string[];
  dropInvalid: boolean;
  /** Only these groups are captured (`*`: all), but none of the excluded. */
  includeOwnerGroups: '*' | string[];
  excludeOwnerGroups: string[];
  /** What counts as loopback in IPv4: `127.0.0.1/32`. */
  loopbackCidr: string;
  /** Whether ip6tables is programmed too; iptables always is. */
  ipv6: boolean;
}

/** A pod without any setting, as `istio-init` treats it. */
export const defaultSettings: InterceptionSettings = {
  programmedBy: 'init',
  mode: 'REDIRECT',
  outboundPort: '15001',
  inboundPort: '15006',
  tunnelPort: '15008',
  tproxyMark: 1337,
  proxyUids: ['1337'],
  proxyGids: ['1337'],
  includeInboundPorts: '*',
  excludeInboundPorts: ['15090', '15021', '15020'],
  includeOutboundPorts: [],
  excludeOutboundPorts: [],
  includeOutboundRanges: '*',
  excludeOutboundRanges: [],
  excludeInterfaces: [],
  virtualInterfaces: [],
  captureDns: false,
  captureAllDns: false,
  dnsServers: [],
  dropInvalid: false,
  includeOwnerGroups: '*',
  excludeOwnerGroups: [],
  loopbackCidr: '127.0.0.1/32',
  ipv6: false,
};

/** Where each setting got its value, in words a user can search for. What is absent is the default. */
export type SettingCauses = Partial<Record<keyof InterceptionSettings, string>>;

/** `a, b,` → `['a', 'b']`, as Istio splits every list. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** A list or `*`. */
export function splitListOrAll(text: string): '*' | string[] {
  return text.trim() === '*' ? '*' : splitList(text);
}
