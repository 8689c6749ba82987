/**
 * kube-proxy on a node of its own, with pods and outsiders around it to send through what it writes.
 *
 *     pods     10.244.0.10 … and fd00:244::10 …  (every endpoint)    ─┐
 *     client   10.244.7.7, fd00:244:7::7         (a pod that asks)    ├─ the node
 *     outside  203.0.113.9, 172.31.5.0/24, …     (who is no pod)     ─┘
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startControlPlane, type ControlPlane } from './start-cluster.ts';
import { nodeName } from './node-files.ts';
import { eventually } from './support.ts';

export const podNetworks = ['10.244.0.0/16', 'fd00:244::/32'];
export const serviceNetworks = '10.96.0.0/16,fd00:96::/112';

export type Place = 'pods' | 'client' | 'outside' | 'node';

export interface Job {
  to: [address: string, port: number];
  count: number;
  from?: string[];
  wait?: number;
}

export interface JobResult {
  /** `10.244.0.10 8080 10.244.7.7` (endpoint, and the client that it saw) → packets. */
  answered: Record<string, number>;
  refused: number;
  lost: number;
}

const script = join(import.meta.dirname, 'service-traffic.py');

/** Addresses that each place has, for either family. */
export const addresses = {
  client: { '4': '10.244.7.7', '6': 'fd00:244:7::7' },
  outside: { '4': '203.0.113.9', '6': '2001:db8:113::9' },
  allowed: { '4': '172.31.5.1', '6': '2001:db8:31::1' },
} as const;

export class ServiceLab {
  readonly plane: ControlPlane;
  #proxies = 0;

  private constructor(plane: ControlPlane) {
    this.plane = plane;
  }

  static async create(say: (line: string) => void): Promise<ServiceLab> {
    const lab = new ServiceLab(await startControlPlane(say, serviceNetworks));
    await lab.#sh(lab.#wires());
    return lab;
  }

  get node(): { '4': string; '6': string } {
    return { '4': this.plane.space.address, '6': 'fd00:18::2' };
  }

  /** Starts kube-proxy in that mode and waits until its rules know this many of our Services. */
  async startProxy(mode: 'iptables' | 'nftables', isDone: (rules: string[]) => boolean): Promise<void> {
    const { space, kube, proxyKubeconfig } = this.plane;
    const name = `kube-proxy-${++this.#proxies}`;
    const flags = [
      ...[`--kubeconfig=${proxyKubeconfig}`, `--proxy-mode=${mode}`, `--hostname-override=${nodeName}`],
      ...[`--cluster-cidr=${podNetworks.join(',')}`, '--conntrack-max-per-core=0', '--iptables-min-sync-period=100ms'],
      ...['--conntrack-tcp-timeout-established=0s', '--conntrack-tcp-timeout-close-wait=0s'],
    ];
    space.start(name, '/bin/sh', [
      '-c',
      `echo $$ > ${space.path('proxy.pid')}; exec ${kube} kube-proxy ${flags.join(' ')}`,
    ]);
    try {
      const look = async () => isDone(await this.readRules(mode)) || undefined;
      await eventually(`the rules of kube-proxy (${mode})`, look, 20_000);
    } catch (error) {
      const log = readFileSync(space.path('logs', `${name}.log`), 'utf8').slice(-2000);
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${log}`, { cause: error });
    }
  }

  /** Ends it and takes its rules away, as its own `--cleanup` does. */
  async stopProxy(): Promise<void> {
    const { space, kube, proxyKubeconfig } = this.plane;
    await this.#sh(
      `kill $(cat ${space.path('proxy.pid')}) || true; sleep 0.3; ${kube} kube-proxy --cleanup --kubeconfig=${proxyKubeconfig} || true`,
    );
    await this.#sh('conntrack -F 2>/dev/null || true');
  }

  /** The node's rules of both families, as a person would print them. */
  async readRules(mode: 'iptables' | 'nftables'): Promise<string[]> {
    const commands =
      mode === 'iptables'
        ? [
            ['iptables-save', '-c'],
            ['ip6tables-save', '-c'],
          ]
        : [['nft', 'list', 'ruleset']];
    return Promise.all(commands.map((command) => this.plane.space.run(command)));
  }

  async nftJson(): Promise<string> {
    return this.plane.space.run(['nft', '-j', 'list', 'ruleset']);
  }

  /** Every endpoint answers from now on. */
  async serve(endpoints: [address: string, port: number][]): Promise<void> {
    const { space } = this.plane;
    const four = endpoints
      .filter(([address]) => !address.includes(':'))
      .map(([address]) => `ip -n pods addr add ${address}/32 dev eth0 2>/dev/null || true`);
    const six = endpoints
      .filter(([address]) => address.includes(':'))
      .map(([address]) => `ip -n pods addr add ${address}/128 dev eth0 nodad 2>/dev/null || true`);
    await this.#sh([...four, ...six].join('\n'));
    const input = space.write('serve.json', JSON.stringify({ endpoints }));
    space.start('serve', '/bin/sh', ['-c', `exec ip netns exec pods python3 ${script} serve < ${input}`]);
    const log = space.path('logs/serve.log');
    await eventually('the endpoints', () => Promise.resolve(readFileSync(log, 'utf8').includes('ready') || undefined));
  }

  async ask(place: Place, jobs: Job[]): Promise<JobResult[]> {
    const enter = place === 'node' ? [] : ['ip', 'netns', 'exec', place];
    const out = await this.plane.space.run([...enter, 'python3', script, 'ask'], {
      input: JSON.stringify({ jobs }),
      timeoutMs: 120_000,
    });
    return JSON.parse(out) as JobResult[];
  }

  async dispose(): Promise<void> {
    await this.plane.dispose();
  }

  async #sh(text: string): Promise<string> {
    return this.plane.space.run(['sh', '-ec', text]);
  }

  #wires(): string {
    const wire = (name: string, number: number) => [
      `ip netns add ${name}`,
      `ip link add v-${name} type veth peer name eth0 netns ${name}`,
      `ip link set v-${name} up; ip -n ${name} link set lo up; ip -n ${name} link set eth0 up`,
      `ip addr add 10.244.255.${number}/32 dev v-${name}; ip addr add fd00:244:ff::${number}/128 dev v-${name} nodad`,
      `ip -n ${name} route add 10.244.255.${number}/32 dev eth0`,
      `ip -n ${name} -6 route add fd00:244:ff::${number}/128 dev eth0`,
    ];
    const own = (name: string, number: number, four: string, six: string) => [
      `ip -n ${name} addr add ${four}/32 dev eth0; ip -n ${name} addr add ${six}/128 dev eth0 nodad`,
      `ip -n ${name} route add default via 10.244.255.${number} src ${four}`,
      `ip -n ${name} -6 route add default via fd00:244:ff::${number} src ${six}`,
    ];
    return [
      'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding',
      // Every refusal is to be heard, not only some in a second.
      'echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit',
      'echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/default/rp_filter',
      `ip addr add ${this.node['6']}/64 dev eth0 nodad`,
      // An external address is looked up among the routes before it becomes a pod's.
      `ip route add default via ${this.plane.space.machineAddress}; ip -6 route add default dev eth0`,
      ...wire('pods', 1),
      ...wire('client', 2),
      ...wire('outside', 3),
      ...own('pods', 1, '10.244.0.1', 'fd00:244::1'),
      ...own('client', 2, addresses.client['4'], addresses.client['6']),
      ...own('outside', 3, addresses.outside['4'], addresses.outside['6']),
      'ip route add 10.244.0.0/23 dev v-pods; ip -6 route add fd00:244::/64 dev v-pods',
      'ip route add 10.244.7.7/32 dev v-client; ip -6 route add fd00:244:7::/64 dev v-client',
      'ip route add 203.0.113.0/24 dev v-outside; ip -6 route add 2001:db8:113::/64 dev v-outside',
      'ip route add 172.31.0.0/16 via 203.0.113.9; ip -6 route add 2001:db8:31::/64 via 2001:db8:113::9',
      // Every address of these networks is the outsiders'.
      'ip -n outside route add local 172.31.5.0/24 dev lo; ip -n outside -6 route add local 2001:db8:31::/64 dev lo',
      // A packet that was sent back to where it came from, with another destination (hairpin), is nothing odd here.
      'for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $file; done',
      "for name in pods client outside; do ip netns exec $name sh -c 'for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $file; done; echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind'; done",
    ].join('\n');
  }
}
