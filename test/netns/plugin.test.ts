/**
 * The CNI plugin on real network namespaces: what it programs must be what the model says Istio programs, through both backends
 * and both families, whatever was there before; and in a chain with real plugins nobody notices it.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultAgentSettings } from '../../contract/cni-plugin.ts';
import type { AgentSettings, PodRecord } from '../../contract/cni-plugin.ts';
import { findDrift } from '../../mesh/interception/find-drift.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { printRules } from '../../mesh/interception/print-rules.ts';
import type { Container, Pod } from '../../mesh/kubernetes.ts';
import { realHost } from '../../node-helper/host.ts';
import type { Host } from '../../node-helper/host.ts';
import { fakeWorld } from '../../node-helper/plugin/fake-world.ts';
import { handleCall } from '../../node-helper/plugin/handle-call.ts';
import { programPod } from '../../node-helper/plugin/program-pod.ts';
import { newToolbox, type NetnsTarget } from '../../node-helper/plugin/toolbox.ts';
import { wantedRules } from '../../node-helper/plugin/wanted-rules.ts';
import { ownPlace } from '../../node-helper/tools.ts';
import { bridgeEntry, type Entry, ourEntry, PluginChain } from './plugin-chain.ts';
import type { PluginTimes } from './plugin-timing.ts';

// Each test starts dozens of programs, and other things may go on here.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const why = reasonToSkip();
if (why !== undefined) console.warn(`the CNI plugin in real network namespaces is skipped: ${why}`);

const podNetns = `mlp-${process.pid}-pod`;
const nodeNetns = `mlp-${process.pid}-node`;
type Backend = 'nft' | 'legacy';
const backends: Backend[] = ['nft', 'legacy'];

// ---- pods -------------------------------------------------------------------------------------------------------------

function sidecar(annotations: Record<string, string> = {}, proxy: Partial<Container> = {}, name = 'reviews-1'): Pod {
  const own = Object.fromEntries(
    Object.entries(annotations).map(([key, value]) => [
      key.includes('/') ? key : `traffic.sidecar.istio.io/${key}`,
      value,
    ]),
  );
  return {
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, annotations: { 'sidecar.istio.io/status': '{}', ...own } },
    spec: {
      initContainers: [{ name: 'istio-validation' }],
      containers: [{ name: 'app' }, { name: 'istio-proxy', args: ['proxy', 'sidecar'], ...proxy }],
    },
  };
}

const env = (values: Record<string, string>) => ({
  env: Object.entries(values).map(([name, value]) => ({ name, value })),
});
const tproxy = { 'sidecar.istio.io/interceptionMode': 'TPROXY' };

const variants: Record<string, Pod> = {
  plain: sidecar(),
  'listed inbound ports': sidecar({ includeInboundPorts: '8080,9090' }),
  'nothing inbound': sidecar({ includeInboundPorts: '' }),
  'ports and ranges excluded': sidecar({
    excludeInboundPorts: '22,8080',
    excludeOutboundPorts: '3306,15020',
    excludeOutboundIPRanges: '169.254.169.254/32,10.1.0.0/16,fd00:1::/64',
  }),
  'ranges included': sidecar({
    includeOutboundIPRanges: '10.0.0.0/8,127.1.2.0/24,fd00::/8',
    includeOutboundPorts: '443',
  }),
  'interfaces of machines, and excluded ones': sidecar({
    excludeInterfaces: 'net1,net2',
    'istio.io/reroute-virtual-interfaces': 'k6t-1,k6t-2',
  }),
  'DNS and INVALID': sidecar({}, env({ ISTIO_META_DNS_CAPTURE: 'true', INVALID_DROP: 'true' })),
  'another user': sidecar({}, { securityContext: { runAsUser: 2001, runAsGroup: 2002 } }),
  TPROXY: sidecar(tproxy),
  'TPROXY with all': sidecar(
    { ...tproxy, includeInboundPorts: '80,443', excludeInterfaces: 'net1' },
    env({ ISTIO_META_DNS_CAPTURE: 'true', INVALID_DROP: 'true', ISTIO_DUAL_STACK: 'true' }),
  ),
  'dual stack': sidecar({}, env({ ISTIO_DUAL_STACK: 'true', ISTIO_META_DNS_CAPTURE: 'true' })),
};

const addresses = { 'IPv6 alone': ['fd00::7'], both: ['10.0.0.7', 'fd00::7'] };

// ---- the netns --------------------------------------------------------------------------------------------------------

function inPod(argv: string[], input = ''): string {
  return execFileSync('nsenter', [`--net=/run/netns/${podNetns}`, '--', ...argv], {
    encoding: 'utf8',
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

function save(family: '4' | '6', backend: Backend): string {
  const tool = family === '4' ? 'iptables' : 'ip6tables';
  return inPod([`${tool}-${backend}-save`]).replace(/^#.*\n/gm, '');
}

/** Without counters, and without tables in which there is nothing: legacy keeps those. */
function comparable(text: string): string[] {
  return text
    .replace(/^(:.*) \[.*\]$/gm, '$1 [0:0]')
    .split(/(?<=^COMMIT\n)/m)
    .filter((table) => /^-A/m.test(table))
    .sort();
}

function newPod(): void {
  spawnSync('ip', ['netns', 'del', podNetns]);
  execFileSync('ip', ['netns', 'add', podNetns]);
  execFileSync('ip', ['-n', podNetns, 'link', 'set', 'lo', 'up']);
}

function means(backend: AgentSettings['backend'] = 'auto', change: (host: Host) => Partial<Host> = () => ({})) {
  const host = realHost();
  const ran: string[] = [];
  const counting: Host = {
    ...host,
    run: (command) => {
      ran.push(command.argv.filter((word) => !word.startsWith('nsenter')).join(' '));
      return host.run(command);
    },
  };
  return {
    host: { ...counting, ...change(counting) },
    ran,
    toolbox: newToolbox(),
    settings: { ...defaultAgentSettings, backend },
  };
}

async function withTarget<T>(use: (target: NetnsTarget) => Promise<T>): Promise<T> {
  const netns = realHost().open(`/run/netns/${podNetns}`);
  try {
    return await use({ netns, places: [ownPlace()] });
  } finally {
    netns.close();
  }
}

function program(our: ReturnType<typeof means>, pod: Pod, ips: readonly string[]) {
  return withTarget((target) => programPod(our, { pod }, target, ips));
}

/** Everything of Istio's in the netns is in this backend, and is what the model says. */
function expectProgrammed(pod: Pod, ips: readonly string[], backend: Backend): void {
  const wanted = wantedRules({ pod }, ips);
  const other = backend === 'nft' ? 'legacy' : 'nft';
  for (const family of ['4', '6'] as const) {
    const expected = family === '4' ? wanted.v4 : wanted.v6;
    const text = save(family, backend);
    expect(findDrift(expected, parseRules(text))).toEqual({ status: 'same', differences: [] });
    expect(comparable(text)).toEqual(comparable(printRules(expected.ruleset)));
    expect(save(family, other)).not.toContain('ISTIO_');
    const rules = inPod(['ip', `-${family}`, 'rule', 'show']).match(/fwmark 0x539 lookup 133/g) ?? [];
    const isRouted = wanted.mark !== undefined && wanted.families.includes(family);
    expect(rules).toHaveLength(isRouted ? 1 : 0);
    if (isRouted) expect(inPod(['ip', `-${family}`, 'route', 'show', 'table', '133'])).toMatch(/^local default dev lo/);
  }
}

// ---- tests ------------------------------------------------------------------------------------------------------------

describe.skipIf(why !== undefined)('rules of a pod', () => {
  beforeEach(newPod);
  afterAll(() => void spawnSync('ip', ['netns', 'del', podNetns]));

  describe.each(backends)('through %s', (backend) => {
    describe.each(Object.entries(addresses))('with %s', (_, ips) => {
      it.each(Object.entries(variants))(
        'are what the model says, and stay when programmed again: %s',
        async (_, pod) => {
          const our = means(backend);
          expect(await program(our, pod, ips)).toMatchObject({ outcome: 'programmed', backend, problems: [] });
          expectProgrammed(pod, ips, backend);
          const before = [save('4', backend), save('6', backend)];
          const written = our.ran.filter((line) => line.includes('restore')).length;
          expect(await program(our, pod, ips)).toMatchObject({ outcome: 'programmed', backend, problems: [] });
          expect([save('4', backend), save('6', backend)]).toEqual(before);
          expectProgrammed(pod, ips, backend);
          // What the kernel refused is no writing; legacy is looked at first.
          if (backend === 'legacy') expect(our.ran.filter((line) => line.includes('restore')).length).toBe(written);
        },
      );
    });

    it('replace those of another setting, and leave what is not Istio’s', async () => {
      const our = means(backend);
      for (const tool of ['iptables', 'ip6tables'])
        inPod(
          [`${tool}-${backend}-restore`],
          '*nat\n:MINE - [0:0]\n-A PREROUTING -p tcp -m tcp --dport 99 -j MINE\n-A MINE -j ACCEPT\nCOMMIT\n*filter\n-A INPUT -p tcp -m tcp --dport 98 -j DROP\nCOMMIT\n',
        );
      for (const name of [
        'plain',
        'TPROXY with all',
        'DNS and INVALID',
        'nothing inbound',
        'TPROXY',
        'ranges included',
        'plain',
      ]) {
        const pod = variants[name]!;
        expect(await program(our, pod, addresses['IPv6 alone'])).toMatchObject({
          outcome: 'programmed',
          problems: [],
        });
        for (const family of ['4', '6'] as const) {
          const text = save(family, backend);
          const wanted = wantedRules({ pod }, addresses['IPv6 alone']);
          const rules = text.match(/^-A .*$/gm) ?? [];
          expect(rules).toContain('-A PREROUTING -p tcp -m tcp --dport 99 -j MINE');
          expect(rules).toContain('-A MINE -j ACCEPT');
          expect(rules).toContain('-A INPUT -p tcp -m tcp --dport 98 -j DROP');
          const others = rules.filter((rule) => !/--dport 9[98] |-A MINE/.test(rule));
          const expected = (family === '4' ? wanted.v4 : wanted.v6).rules.map(({ text: line }) => line);
          expect([...others].sort()).toEqual([...expected].sort());
          expect(inPod(['ip', `-${family}`, 'rule', 'show']).includes('fwmark')).toBe(wanted.mark !== undefined);
        }
      }
    });

    it('are repaired when one is gone or one is too many', async () => {
      const our = means(backend);
      const pod = variants.plain!;
      await program(our, pod, ['10.0.0.7']);
      for (const spoil of [
        ['-D', 'ISTIO_OUTPUT', '3'],
        ['-I', 'ISTIO_INBOUND', '1', '-p', 'tcp', '--dport', '80', '-j', 'RETURN'],
        ['-F', 'OUTPUT'],
        ['-A', 'PREROUTING', '-p', 'tcp', '-j', 'ISTIO_INBOUND'],
      ]) {
        inPod([`iptables-${backend}`, '-t', 'nat', ...spoil]);
        expect(await program(our, pod, ['10.0.0.7'])).toMatchObject({ outcome: 'programmed', problems: [] });
        expect(findDrift(wantedRules({ pod }, ['10.0.0.7']).v4, parseRules(save('4', backend))).status).toBe('same');
      }
      newPod();
      await program(our, pod, ['10.0.0.7']);
      expectProgrammed(pod, ['10.0.0.7'], backend);
    });

    it('are taken back when the other family fails', async () => {
      const our = means(backend, (host) => ({
        run: (command) =>
          command.argv.some((word) => word.includes(`ip6tables-${backend}-restore`))
            ? Promise.resolve({ code: 1, stdout: '', stderr: 'ip6tables-restore: no room in the kernel\n' })
            : host.run(command),
      }));
      const foreign = '*nat\n-A PREROUTING -p tcp -m tcp --dport 99 -j ACCEPT\nCOMMIT\n';
      inPod([`iptables-${backend}-restore`], foreign);
      const before = comparable(save('4', backend));
      const verdict = await program(our, variants.TPROXY!, ['fd00::7']);
      expect(verdict).toMatchObject({ outcome: 'missed' });
      expect(verdict.problems.join(' ')).toContain('no room in the kernel');
      expect(comparable(save('4', backend))).toEqual(before);
      expect(save('4', backend)).not.toContain('ISTIO_');
    });
  });

  it('go where Istio’s are already', async () => {
    for (const backend of backends) {
      newPod();
      await program(means(backend), variants['nothing inbound']!, ['10.0.0.7']);
      expect(await program(means(), variants.plain!, ['10.0.0.7'])).toMatchObject({ backend });
      expectProgrammed(variants.plain!, ['10.0.0.7'], backend);
    }
  });

  it('are never in both backends', async () => {
    for (const backend of backends) {
      newPod();
      const other = backend === 'nft' ? 'legacy' : 'nft';
      await program(means(other), variants.TPROXY!, ['10.0.0.7']);
      expect(await program(means(backend), variants.plain!, ['10.0.0.7'])).toMatchObject({ backend });
      expectProgrammed(variants.plain!, ['10.0.0.7'], backend);
    }
  });

  it('create no legacy tables by looking', async () => {
    await program(means('nft'), variants.plain!, ['10.0.0.7']);
    await program(means('nft'), variants.TPROXY!, ['10.0.0.7']);
    await program(means('auto'), variants.TPROXY!, ['10.0.0.7']);
    expect(inPod(['cat', '/proc/self/net/ip_tables_names'])).toBe('');
  });

  it('replace what istio-init once wrote', async () => {
    const recorded = readFileSync(
      join(import.meta.dirname, '../../mesh/interception/fixtures/istio-init.restore.txt'),
      'utf8',
    );
    for (const backend of backends) {
      newPod();
      inPod([`iptables-${backend}-restore`], recorded.replace(/^(?![*:C-]).*\n/gm, ''));
      expect(save('4', backend)).toContain('ISTIO_');
      expect(await program(means(backend), variants.plain!, ['10.0.0.7'])).toMatchObject({ problems: [] });
      expectProgrammed(variants.plain!, ['10.0.0.7'], backend);
    }
  });

  it('are found by the addresses in the netns where nobody tells them', async () => {
    execFileSync('ip', ['-n', podNetns, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0']);
    execFileSync('ip', ['-n', podNetns, 'addr', 'add', 'fd00::7/64', 'dev', 'eth0', 'nodad']);
    for (const link of ['eth0', 'peer0']) execFileSync('ip', ['-n', podNetns, 'link', 'set', link, 'up']);
    expect(await program(means(), variants.plain!, [])).toMatchObject({ families: ['4', '6'] });
    expectProgrammed(variants.plain!, ['fd00::7'], 'nft');
  });
});

describe.skipIf(why !== undefined)('CHECK', () => {
  beforeEach(newPod);
  afterAll(() => void spawnSync('ip', ['netns', 'del', podNetns]));

  it.each(Object.entries(variants))('is content until the rules are spoilt: %s', async (_, pod) => {
    const world = fakeWorld({ host: realHost(), pods: { 'shop/reviews-1': { pod } } });
    const netnsFd = openSync(`/run/netns/${podNetns}`, 'r');
    const call = (command: string) =>
      handleCall(world, {
        pid: process.pid,
        netnsFd,
        env: {
          CNI_COMMAND: command,
          CNI_CONTAINERID: 'c1',
          CNI_NETNS: '/x',
          CNI_IFNAME: 'eth0',
          CNI_ARGS: 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=reviews-1',
        },
        stdin: Buffer.from('{"cniVersion":"1.0.0","prevResult":{"ips":[{"address":"10.0.0.7/24"}]}}'),
      });
    await call('ADD');
    expect(await call('CHECK')).toEqual({ exit: 0, stdout: Buffer.alloc(0) });
    inPod(['iptables-nft', '-t', 'nat', '-F', 'OUTPUT']);
    const { exit, stdout } = await call('CHECK');
    expect(exit).toBe(1);
    expect(JSON.parse(stdout.toString())).toMatchObject({
      code: 100,
      details: expect.stringContaining('-j ISTIO_OUTPUT') as string,
    });
    await call('ADD');
    expect((await call('CHECK')).exit).toBe(0);
    await call('DEL');
    expect(world.kept.size).toBe(0);
  });
});

// ---- in a chain ---------------------------------------------------------------------------------------------------------

const pluginDirectory = ['/usr/lib/cni', '/opt/cni/bin'].find((directory) => existsSync(join(directory, 'bridge')));
const noChain =
  why ??
  (pluginDirectory ? undefined : 'the plugins bridge and host-local are not installed (containernetworking-plugins)');
if (noChain !== undefined && why === undefined) console.warn(`the chain of real plugins is skipped: ${noChain}`);

describe.skipIf(noChain !== undefined)('a chain of real plugins', () => {
  let work: string;
  let agent: ChildProcess | undefined;
  let said: { called?: string; put?: PodRecord; drop?: string; ready?: boolean }[] = [];

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'meshloom-plugin-'));
    execFileSync('ip', ['netns', 'add', nodeNetns]);
    mkdirSync(join(work, 'bin'));
    const launcher = join(work, 'bin/meshloom-cni');
    copyFileSync(
      join(
        import.meta.dirname,
        `../../node-helper/launcher/meshloom-cni-${process.arch === 'arm64' ? 'arm64' : 'x64'}`,
      ),
      launcher,
    );
    chmodSync(launcher, 0o755);
    writeFileSync(join(work, 'pods.json'), JSON.stringify([sidecar(), sidecar({}, {}, 'declined')].map(asWritten)));
    await bundle('plugin-agent.ts');
  });

  function bundle(file: string) {
    const outfile = join(work, file.replace('.ts', '.js'));
    const entryPoints = [join(import.meta.dirname, file)];
    return build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs' });
  }

  beforeEach(newPod);
  afterEach(stopAgent);
  afterAll(() => {
    for (const name of [podNetns, nodeNetns]) spawnSync('ip', ['netns', 'del', name]);
    rmSync(work, { recursive: true, force: true });
  });

  /** The second pod has istio-init: it gets nothing. */
  function asWritten(pod: Pod): Pod {
    return pod.metadata?.name === 'declined'
      ? { ...pod, spec: { ...pod.spec, initContainers: [{ name: 'istio-init' }] } }
      : pod;
  }

  /** @param around what stands before the agent's command. */
  async function startAgent(delay = 0, around: string[] = []): Promise<void> {
    said = [];
    const [command = '', ...args] = [
      ...[...around, process.execPath, join(work, 'plugin-agent.js')],
      ...[join(work, 'agent.sock'), join(work, 'pods.json'), String(delay)],
    ];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    agent = child;
    createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line) as (typeof said)[number]));
    await until(() => said.some(({ ready }) => ready === true));
  }

  function stopAgent(): void {
    agent?.kill('SIGKILL');
    agent = undefined;
    rmSync(join(work, 'agent.sock'), { force: true });
  }

  async function until(holds: () => boolean): Promise<void> {
    for (let left = 500; left > 0 && !holds(); left--) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(holds()).toBe(true);
  }

  const place = () => ({
    programs: [pluginDirectory ?? '', join(work, 'bin')],
    nodeNetns,
    podNetns,
  });
  const bridge = () => bridgeEntry(work);
  const ours = () => ourEntry(work);
  const newChain = (version: string, plugins: Entry[]) => new PluginChain(place(), version, plugins);

  it.each(['0.2.0', '0.3.1', '0.4.0', '1.0.0'])(
    'of version %s programs the pod and hands its result on as it was',
    async (version) => {
      await startAgent();
      const before = newChain(version, [bridge()]);
      const chain = newChain(version, [bridge(), ours()]);
      const alone = await before.add('reviews-1');
      await before.del('reviews-1');
      const result = await chain.add('reviews-1');
      const shape = (text: string) => text.replace(/10\.87\.\d+\.\d+|veth\w+|([0-9a-f]{2}:){5}[0-9a-f]{2}/g, '*');
      expect(shape(result)).toBe(shape(alone));
      expectProgrammed(sidecar(), ['10.87.0.7'], 'nft');
      expect(said.find(({ put }) => put)?.put).toMatchObject({
        outcome: 'programmed',
        knownFrom: 'api',
        families: ['4'],
      });
      if (version >= '0.4') {
        await chain.check('reviews-1');
        inPod(['iptables-nft', '-t', 'nat', '-F', 'ISTIO_OUTPUT']);
        await expect(chain.check('reviews-1')).rejects.toThrow(/"code":100/);
      }
      await chain.del('reviews-1');
      expect(said.at(-1)).toEqual({ drop: `sandbox-reviews-1-${podNetns}` });
      await chain.del('reviews-1');
    },
  );

  it('uses the host’s iptables where its own image has none', async () => {
    // As in an image without iptables: nothing is seen there but by who stands in the host's mount namespace.
    await startAgent(0, ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /usr/sbin && exec "$@"', 'sh']);
    const chain = newChain('1.0.0', [bridge(), ours()]);
    await chain.add('reviews-1');
    expect(said.find(({ put }) => put)?.put).toMatchObject({ outcome: 'programmed', problems: [] });
    expectProgrammed(sidecar(), ['10.87.0.7'], 'nft');
    await chain.check('reviews-1');
    await chain.del('reviews-1');
  });

  it('programs a pod with users of its own, at its start and when it runs', async () => {
    await startAgent();
    const users = spawn('unshare', ['--user', '--net', 'sleep', '60'], { stdio: 'ignore' });
    try {
      const own = (pid: number | string) => readlinkSync(`/proc/${pid}/ns/user`);
      await until(() => own(users.pid!) !== own('self'));
      for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${users.pid}/${map}`, '0 100000 65536\n');
      spawnSync('ip', ['netns', 'del', podNetns]);
      execFileSync('ip', ['netns', 'attach', podNetns, String(users.pid)]);
      execFileSync('ip', ['-n', podNetns, 'link', 'set', 'lo', 'up']);
      const chain = newChain('1.0.0', [bridge(), ours()]);
      await chain.add('reviews-1');
      expect(said.find(({ put }) => put)?.put).toMatchObject({ outcome: 'programmed', problems: [] });
      expectProgrammed(sidecar(), ['10.87.0.7'], 'nft');
      const pod = sidecar(tproxy);
      pod.spec!.hostUsers = false;
      const verdict = await withTarget((target) =>
        programPod(means(), { pod }, { ...target, pid: users.pid! }, ['10.87.0.7']),
      );
      expect(verdict).toMatchObject({ outcome: 'programmed', problems: [] });
      expectProgrammed(pod, ['10.87.0.7'], 'nft');
      await chain.del('reviews-1');
    } finally {
      users.kill('SIGKILL');
    }
  });

  it('starts and ends a pod without an agent', async () => {
    const chain = newChain('1.0.0', [bridge(), ours()]);
    expect(JSON.parse(await chain.add('reviews-1'))).toMatchObject({ cniVersion: '1.0.0' });
    expect(readFileSync(join(work, `run/missed/sandbox-reviews-1-${podNetns}`), 'utf8')).toContain(
      'K8S_POD_NAME=reviews-1',
    );
    await chain.check('reviews-1');
    await chain.del('reviews-1');
  });

  it('starts a pod when the agent is killed in the middle of the call', async () => {
    await startAgent(5_000);
    const chain = newChain('0.4.0', [bridge(), ours()]);
    const adding = chain.add('reviews-1');
    await until(() => said.some(({ put }) => put !== undefined));
    stopAgent();
    expect(JSON.parse(await adding)).toMatchObject({ cniVersion: '0.4.0' });
    expect(existsSync(join(work, `run/missed/sandbox-reviews-1-${podNetns}`))).toBe(true);
    await chain.del('reviews-1');
  });

  it('is hardly slower with us', { timeout: 180_000 }, async () => {
    await startAgent();
    await bundle('plugin-timing.ts');
    // A process of its own: starting programs from this one takes longer than what they do.
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(work, 'plugin-timing.js'), JSON.stringify({ place: place(), work })],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    expect(status).toBe(0);
    const { alone, together } = JSON.parse(stdout) as PluginTimes;
    const say = ({ without, declined, programmed }: PluginTimes['alone']) =>
      `${without.toFixed(1)} ms without us, ${(declined - without).toFixed(1)} ms more declined, ${(programmed - without).toFixed(1)} ms more programmed`;
    console.log(`plugin: one pod: ${say(alone)} (medians of 50)`);
    console.log(`plugin: 12 at once, each: ${say(together)} (means of 12, medians of 5 rounds)`);
    // On a machine that is busy with other things everything takes its share longer.
    expect(alone.programmed - alone.without).toBeLessThan(80 * Math.max(1, alone.without / 30));
  });
});

function reasonToSkip(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  const tools = [
    'ip',
    'nsenter',
    ...['iptables', 'ip6tables'].flatMap((tool) => [`${tool}-nft-restore`, `${tool}-legacy-restore`]),
  ];
  const missing = tools.filter((tool) => spawnSync('which', [tool]).status !== 0);
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  const tried = spawnSync('ip', ['netns', 'add', `mlp-${process.pid}-try`]);
  spawnSync('ip', ['netns', 'del', `mlp-${process.pid}-try`]);
  return tried.status === 0 ? undefined : String(tried.stderr);
}
