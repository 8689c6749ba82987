/**
 * The built helper as a process, on network namespaces that are real: made, programmed and taken away here. What it prints
 * must be what the kernel's own programs print there, and looking must change nothing.
 */
import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { observeCapabilities } from '../../contract/node-helper-rights.ts';
import type { InspectPodResult, NodeHelperReply } from '../../contract/node-helper.ts';
import { parseNodeHelperReply } from '../../contract/node-helper.ts';

const missing = whatIsMissing();
if (missing) console.log(`test/netns/node-helper: skipped, because ${missing}`);

/** The built program; one of our own where that is missing or older than its source. */
function builtProgram(): string {
  const built = join(room, '../dist/node-helper.js');
  const changed = Math.max(...readdirSync(room).map((file) => statSync(join(room, file)).mtimeMs));
  return existsSync(built) && statSync(built).mtimeMs > changed ? built : join(work, 'node-helper.js');
}

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only';
  if (process.getuid?.() !== 0) return 'making network namespaces takes root';
  for (const program of ['ip', 'nsenter', 'iptables-nft-restore', 'iptables-legacy-restore', 'nft', 'setpriv']) {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        return `${program} is not installed (apt-get install iproute2 iptables nftables)`;
    }
  }
  return undefined;
}

const name = `mlh${process.pid}`;
const podIp = '198.18.77.7';
const work = missing ? '' : mkdtempSync(join(tmpdir(), 'meshloom-node-helper-'));
const room = join(import.meta.dirname, '../../node-helper');
const program = builtProgram();
const started: ChildProcess[] = [];
const cgroups: string[] = [];

const redirect = (family: '4' | '6') => `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:ISTIO_INBOUND - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A OUTPUT -p tcp -j ISTIO_OUTPUT
-A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN
-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -d ${family === '4' ? '127.0.0.1/32' : '::1/128'} -j RETURN
-A ISTIO_OUTPUT -j ISTIO_REDIRECT
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`;

const nativeTable = `table inet istio-proxy-nat {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		meta l4proto tcp counter redirect to :15006
	}
}
`;

function inNetns(netns: string, argv: string[], input?: string): string {
  return execFileSync('nsenter', [`--net=/run/netns/${netns}`, '--', ...argv], {
    encoding: 'utf8',
    ...(input !== undefined && { input }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** A netns with an address, held by a process that listens as the proxy does. */
async function makePod(netns: string, ip: string, user?: number): Promise<number> {
  execFileSync('ip', ['netns', 'add', netns]);
  execFileSync('ip', ['-n', netns, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0']);
  execFileSync('ip', ['-n', netns, 'addr', 'add', `${ip}/24`, 'dev', 'eth0']);
  for (const link of ['lo', 'eth0', 'peer0']) execFileSync('ip', ['-n', netns, 'link', 'set', link, 'up']);
  const asUser = user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--'];
  const listen = `require('net').createServer().listen(15001, '127.0.0.1', () => console.log('ready')); setTimeout(() => {}, 120000);`;
  const child = spawn('nsenter', [`--net=/run/netns/${netns}`, '--', ...asUser, process.execPath, '-e', listen], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  return child.pid!;
}

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function helper(args: string[], input = '', env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program, ...args],
      { env: { ...process.env, ...env }, maxBuffer: 64e6 },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
    child.stdin!.end(input);
  });
}

/** The helper with these capabilities and no other, as in its container. */
function withRights(capabilities: readonly string[], args: string[]): Ended {
  const bounds = ['-all', ...capabilities.map((capability) => `+${capability.toLowerCase()}`)].join(',');
  const { status, stdout, stderr } = spawnSync(
    'setpriv',
    ['--inh-caps=-all', `--bounding-set=${bounds}`, process.execPath, ...args],
    {
      encoding: 'utf8',
    },
  );
  return { code: status ?? -1, stdout, stderr };
}

async function inspect(...args: string[]): Promise<InspectPodResult> {
  const { code, stdout, stderr } = await helper(['inspect', ...args, '--format', 'json']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as InspectPodResult;
}

/** Without the lines that hold a date. */
function rulesOf(text: string | undefined): string {
  return (text ?? '').replace(/^# (Generated|Completed).*\n/gm, '');
}

function reading(result: InspectPodResult, family: '4' | '6', backend: string): string {
  return rulesOf(
    result.readings.find((candidate) => candidate.family === family && candidate.backend === backend)?.text,
  );
}

function legacyTables(pid: number): string {
  return ['ip_tables_names', 'ip6_tables_names']
    .map((file) => (existsSync(`/proc/${pid}/net/${file}`) ? readFileSync(`/proc/${pid}/net/${file}`, 'utf8') : ''))
    .join('');
}

/** Puts a process where a kubelet with the cgroupfs driver would; one controller is enough. */
function intoPodCgroup(pid: number, uid: string, containerId: string): void {
  const base = existsSync('/sys/fs/cgroup/cgroup.controllers') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
  let path = base;
  for (const part of ['kubepods', 'burstable', `pod${uid}`, containerId]) {
    path = join(path, part);
    if (existsSync(path)) continue;
    mkdirSync(path);
    cgroups.unshift(path);
  }
  writeFileSync(join(path, 'cgroup.procs'), String(pid));
}

describe.skipIf(missing)('the built node helper on a real network namespace', () => {
  let pid: number;

  beforeAll(async () => {
    if (program.startsWith(work)) {
      const output = { outfile: program, bundle: true, minify: true, logLevel: 'error' } as const;
      const onNode = { platform: 'node', format: 'cjs', target: 'node20' } as const;
      await build({ entryPoints: [join(room, 'main.ts')], ...output, ...onNode, mainFields: ['module', 'main'] });
    }
    pid = await makePod(name, podIp);
  });

  beforeEach(() => {
    inNetns(name, ['nft', 'flush', 'ruleset']);
  });

  afterAll(async () => {
    await Promise.all(
      started.map((child) => {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        return child.exitCode === null && child.signalCode === null ? ended : undefined;
      }),
    );
    for (const path of cgroups) rmdirSync(path);
    for (const netns of execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.split(' ')[0]!)) {
      if (netns.startsWith(name)) execFileSync('ip', ['netns', 'delete', netns]);
    }
    rmSync(work, { recursive: true, force: true });
  });

  test('prints what iptables-nft-save prints, for both families', async () => {
    inNetns(name, ['iptables-nft-restore'], redirect('4'));
    inNetns(name, ['ip6tables-nft-restore'], redirect('6'));
    const result = await inspect('--pid', String(pid));
    expect(reading(result, '4', 'nft')).toBe(rulesOf(inNetns(name, ['iptables-nft-save', '-c'])));
    expect(reading(result, '6', 'nft')).toBe(rulesOf(inNetns(name, ['ip6tables-nft-save', '-c'])));
    expect(reading(result, '4', 'nft')).toContain('-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001');
    expect(result.readings).toHaveLength(2);
    expect(result.notes).toEqual([]);
  });

  test('by path it reads the same, as text for a person', async () => {
    inNetns(name, ['iptables-nft-restore'], redirect('4'));
    const { stdout, code } = await helper(['inspect', '--netns', `/run/netns/${name}`]);
    expect(code).toBe(0);
    const readable = stdout.replace(/^# (nsenter|Generated|Completed).*\n/gm, '');
    expect(readable).toBe(rulesOf(inNetns(name, ['iptables-nft-save', '-c'])));
  });

  test('tells addresses, listening sockets, policy rules and routes', async () => {
    inNetns(name, ['ip', 'rule', 'add', 'fwmark', '1337', 'lookup', '133']);
    inNetns(name, ['ip', 'route', 'add', 'local', 'default', 'dev', 'lo', 'table', '133']);
    const result = await inspect('--pid', String(pid));
    expect(result.interfaces.find(({ name: link }) => link === 'eth0')?.addresses).toContain(`${podIp}/24`);
    expect(result.listening).toContainEqual({ family: '4', protocol: 'tcp', address: '127.0.0.1', port: 15001 });
    expect(result.policyRules.join('\n')).toMatch(/fwmark 0x539 lookup 133/);
    expect(result.routes).toContain('local default dev lo table 133 scope host');
  });

  test('looking creates no legacy table and no native one', async () => {
    expect(legacyTables(pid)).toBe('');
    await inspect('--pid', String(pid));
    await helper(['inspect', '--netns', `/run/netns/${name}`]);
    expect(legacyTables(pid)).toBe('');
    expect(inNetns(name, ['nft', 'list', 'ruleset'])).toBe('');
  });

  test('shows tables that were written with nft, which iptables does not', async () => {
    inNetns(name, ['iptables-nft-restore'], redirect('4'));
    inNetns(name, ['nft', '-f', '-'], nativeTable);
    const result = await inspect('--pid', String(pid));
    expect(reading(result, '4', 'native-nft')).toBe(inNetns(name, ['nft', 'list', 'table', 'inet', 'istio-proxy-nat']));
    expect(reading(result, '6', 'native-nft')).toBe(reading(result, '4', 'native-nft'));
    expect(reading(result, '4', 'nft')).toContain('ISTIO_INBOUND');
  });

  test('a native table under iptables’ own name is not lost', async () => {
    inNetns(
      name,
      ['nft', '-f', '-'],
      nativeTable
        .replace('inet istio-proxy-nat', 'ip nat')
        .replace('meta l4proto tcp counter', 'ip ttl 64 tcp dport { 80, 443 } counter'),
    );
    const result = await inspect('--pid', String(pid));
    expect(reading(result, '4', 'nft') + reading(result, '4', 'native-nft')).toContain('15006');
  });

  test('counters move with the traffic', async () => {
    inNetns(name, ['iptables-nft-restore'], redirect('4'));
    const packets = async () =>
      Number(/^\[(\d+):\d+\] -A ISTIO_REDIRECT /m.exec(reading(await inspect('--pid', String(pid)), '4', 'nft'))?.[1]);
    const before = await packets();
    const connect = `require('net').connect(80, '198.18.77.99').on('connect', () => process.exit(0)).on('error', () => process.exit(1)); setTimeout(() => process.exit(2), 3000);`;
    inNetns(name, [process.execPath, '-e', connect]);
    expect(await packets()).toBe(before + 1);
  });

  test('finds the pod by its UID in the cgroup, over the request protocol', async () => {
    const uid = '9f1c2a3b-0d4e-4f5a-8b6c-7d8e9f0a1b2c';
    intoPodCgroup(pid, uid, '4be1'.repeat(16));
    inNetns(name, ['iptables-nft-restore'], redirect('4'));
    const request = {
      protocol: 1,
      verb: 'inspect-pod',
      pod: { uid, namespace: 'shop', name: 'reviews-1', ips: [podIp] },
    };
    for (const verb of [[], ['request'], ['inspect']]) {
      const { stdout, code } = await helper(verb, `${JSON.stringify(request)}\n`, { MESHLOOM_VERSION: '9.8.7' });
      expect(code).toBe(0);
      const reply = parseNodeHelperReply(stdout, 'inspect-pod');
      const hash = createHash('sha256').update(readFileSync(program)).digest('hex').slice(0, 12);
      expect(reply.helper).toEqual({ version: '9.8.7', hash });
      if (!reply.ok) throw new Error(reply.error.message);
      expect(reply.result.pid).toBe(pid);
      expect(reading(reply.result, '4', 'nft')).toBe(rulesOf(inNetns(name, ['iptables-nft-save', '-c'])));
      expect(reply.result.notes).toEqual([]);
    }
    expect((await inspect('--pod-uid', uid, '--ip', podIp)).netns).toMatch(/^net:\[\d+\]$/);
    const wrongIp = await inspect('--pod-uid', uid, '--ip', '10.9.9.9');
    expect(wrongIp.notes.join()).toContain('10.9.9.9');
  });

  test.each([
    [
      'systemd and containerd',
      (uid: string) =>
        `0::/kubepods.slice/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice/cri-containerd-${'ab'.repeat(32)}.scope\n`,
    ],
    [
      'CRI-O seen from another cgroup namespace',
      (uid: string) => `0::/../../kubepods-pod${uid.replaceAll('-', '_')}.slice/crio-${'ab'.repeat(32)}.scope\n`,
    ],
    [
      'docker',
      (uid: string) =>
        `12:pids:/kubepods/pod${uid}/${'ab'.repeat(32)}\n1:name=systemd:/kubepods/pod${uid}/${'ab'.repeat(32)}\n`,
    ],
  ])('finds it below another /proc as well: %s', async (_, cgroup) => {
    const uid = '11111111-2222-4333-8444-555555555555';
    const proc = mkdtempSync(join(work, 'proc-'));
    mkdirSync(join(proc, String(pid)));
    writeFileSync(join(proc, String(pid), 'cgroup'), cgroup(uid));
    for (const entry of ['ns', 'net', 'stat', 'root'])
      symlinkSync(`/proc/${pid}/${entry}`, join(proc, String(pid), entry));
    const result = await inspect('--pod-uid', uid, '--ip', podIp, '--proc', proc);
    expect(result.pid).toBe(pid);
    expect(result.interfaces.map((link) => link.name)).toContain('eth0');
  });

  test('refuses the host’s own network, a pod that is not here and a process that is not there', async () => {
    const own = await helper(['inspect', '--pid', String(process.pid)]);
    expect(own).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^host-network: /) });
    expect((await helper(['inspect', '--pod-uid', '00000000-0000-4000-8000-000000000000'])).stderr).toMatch(
      /^pod-not-found: /,
    );
    expect((await helper(['inspect', '--pid', '4194304'])).stderr).toMatch(/^pod-not-found: /);
    expect((await helper(['inspect', '--netns', '/run/netns/no-such'])).stderr).toMatch(/^pod-not-found: /);
    expect((await helper(['inspect', '--netns', '/etc/hostname'])).stderr).toContain('is not a network namespace');
  });

  test('answers before standard input is closed', async () => {
    const child = spawn(process.execPath, [program, 'request'], { stdio: ['pipe', 'pipe', 'inherit'] });
    started.push(child);
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stdin.write('{"protocol":1,"verb":"hello"}\n');
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(0);
    const reply = JSON.parse(stdout) as NodeHelperReply<'hello'>;
    expect(reply.ok && reply.result.iptables.map(({ backend, origin }) => `${origin} ${backend}`)).toEqual([
      'container nft',
      'container legacy',
    ]);
  });

  test('wrong usage ends with 2 and says what is wrong', async () => {
    for (const args of [
      ['--nonsense'],
      ['dance'],
      ['inspect'],
      ['inspect', '--pid', 'x'],
      ['inspect', '--pid', '1', '--netns', 'y'],
      ['inspect', '--pid', '1', '--format', 'xml'],
      ['wait', '--pid', '1'],
    ]) {
      const ended = await helper(args);
      expect({ args, ...ended }).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--help') });
    }
    expect(await helper(['--help'])).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('inspect') });
  });

  test('waits idly and goes at once when it is told to', async () => {
    const child = spawn(process.execPath, [program, 'wait'], { stdio: 'ignore' });
    started.push(child);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;
    const stopping = performance.now();
    child.kill('SIGTERM');
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).toBe(0);
    expect(performance.now() - stopping).toBeLessThan(1000);
    console.log(`test/netns/node-helper: waiting takes ${resident.toFixed(0)} MB`);
  });

  test('one pod takes well under the 100 ms that it may', async () => {
    inNetns(name, ['iptables-nft-restore'], redirect('4'));
    const times: number[] = [];
    for (let i = 0; i < 7; i++) times.push((await inspect('--pid', String(pid))).tookMs);
    const median = times.sort((a, b) => a - b)[3]!;
    console.log(`test/netns/node-helper: one pod takes ${median} ms (of ${times.join(', ')})`);
    // The machine may be busy with the other tests: the budget itself is measured by the bench.
    expect(median).toBeLessThan(1000);
  });

  test('does with exactly the rights that the manifest asks for, and says which way it failed with fewer', async () => {
    inNetns(name, ['iptables-nft-restore'], redirect('4'));
    const others = await makePod(`${name}u`, '198.18.79.7', 1337);
    const with_ = (capabilities: readonly string[]) =>
      withRights(capabilities, [program, 'inspect', '--pid', String(others), '--format', 'json']);
    const all = with_(observeCapabilities);
    expect(all).toMatchObject({ code: 0, stderr: '' });
    expect((JSON.parse(all.stdout) as InspectPodResult).notes).toEqual([]);
    for (const right of ['SYS_ADMIN', 'SYS_PTRACE', 'NET_ADMIN']) {
      const fewer = with_(observeCapabilities.filter((capability) => capability !== right));
      expect({ right, ...fewer }).toMatchObject({ code: 1, stderr: expect.stringMatching(/^not-permitted: /) });
    }
  });

  test('without a program of its own it takes the one in the pod’s files, and lets it do nothing but read rules', async () => {
    inNetns(name, ['iptables-nft-restore'], redirect('4'));
    const hidden = join(work, 'sbin');
    const proc = mkdtempSync(join(work, 'proc-'));
    mkdirSync(hidden);
    copyFileSync('/usr/sbin/chroot', join(hidden, 'chroot'));
    chmodSync(join(hidden, 'chroot'), 0o755);
    symlinkSync(`/proc/${pid}`, join(proc, String(pid)));
    const line = [process.execPath, program, 'inspect', '--pid', pid, '--proc', proc, '--format', 'json'].join(' ');
    // The pod keeps the real /usr/sbin; only the helper's own view loses it.
    const stdout = execFileSync('unshare', ['--mount', 'sh', '-c', `mount --bind ${hidden} /usr/sbin && ${line}`], {
      encoding: 'utf8',
    });
    const result = JSON.parse(stdout) as InspectPodResult;
    expect(result.readings[0]).toMatchObject({ origin: 'proxy-container', backend: 'nft' });
    expect(reading(result, '4', 'nft')).toBe(rulesOf(inNetns(name, ['iptables-nft-save', '-c'])));
  });

  // Last, because a legacy table, once made, stays for the life of the netns.
  test('reads legacy tables where there are some, beside the others', async () => {
    const legacyName = `${name}l`;
    const legacyPid = await makePod(legacyName, '198.18.78.7');
    inNetns(legacyName, ['iptables-legacy-restore'], redirect('4'));
    const onlyV4 = await inspect('--pid', String(legacyPid));
    expect(reading(onlyV4, '4', 'legacy')).toBe(rulesOf(inNetns(legacyName, ['iptables-legacy-save', '-c'])));
    expect(onlyV4.readings.map(({ family, backend }) => `${backend} ${family}`)).toEqual([
      'nft 4',
      'nft 6',
      'legacy 4',
    ]);
    inNetns(legacyName, ['ip6tables-legacy-restore'], redirect('6'));
    inNetns(legacyName, ['iptables-nft-restore'], redirect('4'));
    const before = legacyTables(legacyPid);
    const all = await inspect('--pid', String(legacyPid));
    expect(reading(all, '6', 'legacy')).toBe(rulesOf(inNetns(legacyName, ['ip6tables-legacy-save', '-c'])));
    expect(reading(all, '4', 'nft')).toContain('ISTIO_REDIRECT');
    expect(legacyTables(legacyPid)).toBe(before);
  });
});
