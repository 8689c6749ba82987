/**
 * The agent as a process, with the real launcher before it and real network namespaces behind it: what a node is when pods
 * start on it, minus the container runtime. Everything that can go wrong between them goes wrong here once.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
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
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PodRecord, ReadAgentResult } from '../../contract/cni-plugin.ts';
import { agentAllocation, agentNodeFlags } from '../../contract/node-helper-rights.ts';
import { json, meshPod, TestApiServer } from '../../node-helper/agent/test-api-server.ts';

const missing = whatIsMissing();
if (missing) console.log(`test/netns/agent: skipped, because ${missing}`);

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only';
  if (process.getuid?.() !== 0) return 'making network namespaces takes root';
  if (!['x64', 'arm64'].includes(process.arch)) return `there is no launcher for ${process.arch}`;
  for (const program of ['ip', 'nsenter', 'iptables-nft-restore', 'nft']) {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        return `${program} is not installed (apt-get install iproute2 iptables nftables)`;
    }
  }
  return undefined;
}

const room = join(import.meta.dirname, '../../node-helper');
const work = missing ? '' : mkdtempSync(join(tmpdir(), 'mla-'));
const program = join(work, 'node-helper.js');
const launcher = join(work, 'meshloom-cni');
const prefix = `mla${process.pid}`;
const prevResult = '{ "cniVersion":"1.0.0",  "interfaces":[], "ips":[{"address":"198.18.88.7/24"}] }';

const running = new Set<ChildProcess>();
const cgroups: string[] = [];
let directory: string;
let server: TestApiServer;
let pods = 0;

interface Sandbox {
  netns: string;
  containerId: string;
  uid: string;
  name: string;
}

/** A sandbox as the runtime makes it before it calls the plugins. */
function makeSandbox(): Sandbox {
  const at = ++pods;
  const netns = `${prefix}-${at}`;
  execFileSync('ip', ['netns', 'add', netns]);
  execFileSync('ip', ['-n', netns, 'link', 'set', 'lo', 'up']);
  const digits = at.toString(16).padStart(8, '0');
  return {
    netns,
    containerId: `${digits}${process.pid.toString(16).padStart(8, '0')}`.padEnd(64, 'a'),
    uid: `${digits}-0000-4000-8000-${process.pid.toString(16).padStart(12, '0')}`,
    name: `pod-${at}`,
  };
}

/** Its first process, in the cgroup where the kubelet wants it. */
function startProcess({ netns, uid, containerId }: Sandbox): ChildProcess {
  const child = spawn('nsenter', [`--net=/run/netns/${netns}`, '--', 'sleep', '300'], { stdio: 'ignore' });
  running.add(child);
  const base = existsSync('/sys/fs/cgroup/cgroup.controllers') ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
  let path = base;
  for (const part of ['kubepods', 'burstable', `pod${uid}`, containerId]) {
    path = join(path, part);
    if (existsSync(path)) continue;
    mkdirSync(path);
    cgroups.unshift(path);
  }
  writeFileSync(join(path, 'cgroup.procs'), String(child.pid));
  return child;
}

function rulesOf({ netns }: Sandbox): string {
  const text = execFileSync('nsenter', [`--net=/run/netns/${netns}`, '--', 'iptables-nft-save'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return text.replace(/^#.*\n/gm, '');
}

interface Answer {
  code: number | null;
  stdout: string;
  ms: number;
}

/** The plugin, called as the runtime does. */
function callPlugin(command: string, sandbox: Sandbox, annotations?: Record<string, string>): Promise<Answer> {
  const config = `{"cniVersion":"1.0.0","name":"pods","type":"meshloom-cni","socket":"${directory}/agent.sock","directory":"${directory}",${
    annotations ? `"runtimeConfig":{"io.kubernetes.cri.pod-annotations":${JSON.stringify(annotations)}},` : ''
  }"prevResult":${prevResult}}`;
  const begun = performance.now();
  return new Promise((resolve) => {
    const child = spawn(launcher, [], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: sandbox.containerId,
        CNI_NETNS: `/run/netns/${sandbox.netns}`,
        CNI_IFNAME: 'eth0',
        CNI_PATH: '/opt/cni/bin',
        CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${sandbox.name};K8S_POD_UID=${sandbox.uid}`,
      },
    });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.on('close', (code) => resolve({ code, stdout, ms: performance.now() - begun }));
    child.stdin.end(config);
  });
}

interface Agent {
  child: ChildProcess;
  log: () => string;
  end: (signal?: NodeJS.Signals) => Promise<number>;
}

async function startAgent(args: string[] = [], wait = true, flags: readonly string[] = []): Promise<Agent> {
  const api = args.includes('--api') ? [] : ['--api', server.url];
  const child = spawn(process.execPath, [...flags, program, 'agent', '--directory', directory, ...api, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...agentAllocation, MESHLOOM_NODE: 'n1' },
  });
  running.add(child);
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exit = new Promise((resolve) => child.once('exit', resolve));
  const agent: Agent = {
    child,
    log: () => text,
    end: async (signal = 'SIGTERM') => {
      const begun = performance.now();
      child.kill(signal);
      await exit;
      return performance.now() - begun;
    },
  };
  if (wait)
    await until(
      () => text.includes('answers on /'),
      () => `the agent answers:\n${text}`,
    );
  return agent;
}

async function until(condition: () => boolean, what: () => string = () => 'it', patience = 8_000): Promise<void> {
  for (const end = performance.now() + patience; performance.now() < end;) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`did not happen: ${what()}`);
}

function recordOf({ containerId }: Sandbox): PodRecord | undefined {
  const path = join(directory, 'pods', `${containerId}.json`);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as PodRecord) : undefined;
}

const notes = () => (existsSync(join(directory, 'missed')) ? readdirSync(join(directory, 'missed')) : []);
const noted = ({ containerId }: Sandbox) => notes().includes(containerId);

function readAgent(): ReadAgentResult {
  const text = execFileSync(process.execPath, [program], {
    input: '{"protocol":1,"verb":"read-agent"}',
    encoding: 'utf8',
    env: { ...process.env, MESHLOOM_DIRECTORY: directory },
  });
  return (JSON.parse(text) as { result: ReadAgentResult }).result;
}

/** In the API server, injected, and Running with an address if the sandbox is. */
function announce({ name, uid }: Sandbox, status: object = {}, metadata: object = {}): void {
  server.put(
    meshPod(name, uid, { metadata: { ...metadata, ...names(name, uid) }, status: { phase: 'Pending', ...status } }),
  );
}

function names(name: string, uid: string) {
  const { metadata } = meshPod(name, uid);
  return { name, namespace: 'shop', uid, labels: metadata.labels, annotations: metadata.annotations };
}

describe.skipIf(missing)('the agent with the real plugin on real network namespaces', () => {
  beforeAll(async () => {
    const output = { outfile: program, bundle: true, minify: true, logLevel: 'error' } as const;
    const onNode = { platform: 'node', format: 'cjs', target: 'node20' } as const;
    await build({ entryPoints: [join(room, 'main.ts')], ...output, ...onNode, mainFields: ['module', 'main'] });
    copyFileSync(join(room, 'launcher', `meshloom-cni-${process.arch}`), launcher);
    chmodSync(launcher, 0o755);
  });

  beforeEach(async () => {
    directory = mkdtempSync(join(work, 'run-'));
    server = await new TestApiServer().listen();
  });

  afterEach(async () => {
    await Promise.all(
      [...running].map((child) => {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        const lives = child.exitCode === null && child.signalCode === null;
        child.kill('SIGKILL');
        return lives ? ended : undefined;
      }),
    );
    running.clear();
    await server.close();
  });

  afterAll(() => {
    for (const path of cgroups) rmdirSync(path);
    for (let at = 1; at <= pods; at++) execFileSync('ip', ['netns', 'delete', `${prefix}-${at}`]);
    if (work) rmSync(work, { recursive: true, force: true });
  });

  test('a pod that starts gets its rules, its result is passed on byte for byte, and there is a record of it', async () => {
    await startAgent();
    const sandbox = makeSandbox();
    announce(sandbox);
    const { code, stdout } = await callPlugin('ADD', sandbox);
    expect({ code, stdout }).toEqual({ code: 0, stdout: prevResult });
    expect(rulesOf(sandbox)).toContain('-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001');
    expect(rulesOf(sandbox)).toContain('--dport 53 -j REDIRECT --to-ports 15053');
    expect(recordOf(sandbox)).toMatchObject({
      outcome: 'programmed',
      knownFrom: 'api',
      namespace: 'shop',
      problems: [],
    });
    expect(notes()).toEqual([]);
    const again = await callPlugin('ADD', sandbox);
    expect(again.code).toBe(0);
    expect((await callPlugin('CHECK', sandbox)).code).toBe(0);
    expect((await callPlugin('DEL', sandbox)).code).toBe(0);
    expect(recordOf(sandbox)).toBeUndefined();
  });

  test('a pod that the watch has not brought yet is asked for; without any API server its annotations serve', async () => {
    server.faults = [
      (request, response) => !!request.url?.includes('fieldSelector') && (json(response, 503, {}), true),
    ];
    const agent = await startAgent();
    const sandbox = makeSandbox();
    announce(sandbox);
    await callPlugin('ADD', sandbox);
    expect(recordOf(sandbox)).toMatchObject({ outcome: 'programmed', knownFrom: 'api' });
    await agent.end();
    await startAgent(['--api', 'none']);
    const other = makeSandbox();
    const status = '{"initContainers":["istio-validation","istio-proxy"],"containers":["istio-proxy"]}';
    await callPlugin('ADD', other, { 'sidecar.istio.io/status': status });
    expect(recordOf(other)).toMatchObject({ outcome: 'programmed', knownFrom: 'annotations' });
    expect(rulesOf(other)).toContain('ISTIO_REDIRECT');
  });

  test('a pod that started while no agent was there is repaired by the next one, before its first process if need be', async () => {
    const [young, old] = [makeSandbox(), makeSandbox()];
    announce(young);
    announce(old);
    for (const sandbox of [young, old]) {
      expect(await callPlugin('ADD', sandbox)).toMatchObject({ code: 0, stdout: prevResult });
      expect(rulesOf(sandbox)).not.toContain('ISTIO');
    }
    startProcess(old);
    expect(notes()).toHaveLength(2);
    expect(readAgent()).toMatchObject({ running: false, records: [] });
    expect(readAgent().notes.join()).toContain(`shop/${old.name} started while no agent answered`);
    const agent = await startAgent();
    await until(() => notes().length === 0, agent.log);
    for (const sandbox of [young, old]) {
      expect(rulesOf(sandbox)).toContain('ISTIO_REDIRECT');
      expect(recordOf(sandbox)).toMatchObject({ outcome: 'repaired' });
    }
    expect((await callPlugin('CHECK', old)).code).toBe(0);
  });

  test('a note that appears while the agent lives is seen to at once', async () => {
    const agent = await startAgent();
    const sandbox = makeSandbox();
    announce(sandbox);
    agent.child.kill('SIGSTOP');
    const { code, ms } = await callPlugin('ADD', sandbox);
    expect(code).toBe(0);
    expect(ms).toBeLessThan(11_000);
    expect(noted(sandbox)).toBe(true);
    agent.child.kill('SIGCONT');
    await until(() => !noted(sandbox), agent.log, 2_000);
    expect(rulesOf(sandbox)).toContain('ISTIO_REDIRECT');
  }, 30_000);

  test('killed in the middle of a call the pod passes, and the next agent repairs it', async () => {
    server.faults = [(request) => /pods\/pod-/.test(request.url ?? '')];
    const agent = await startAgent();
    const sandbox = makeSandbox();
    const called = callPlugin('ADD', sandbox);
    await until(() => server.requests.some((request) => request.includes(`pods/${sandbox.name}`)), agent.log);
    await agent.end('SIGKILL');
    expect(await called).toMatchObject({ code: 0, stdout: prevResult });
    expect(noted(sandbox)).toBe(true);
    server.faults = [];
    announce(sandbox);
    const next = await startAgent();
    await until(() => !noted(sandbox), next.log);
    expect(recordOf(sandbox)).toMatchObject({ outcome: 'repaired' });
  });

  test('pods that should have rules and have none are found when the agent starts; others are left alone', async () => {
    const [bare, right, foreign, plain] = [makeSandbox(), makeSandbox(), makeSandbox(), makeSandbox()];
    const first = await startAgent();
    announce(right);
    await callPlugin('ADD', right);
    await first.end();
    rmSync(join(directory, 'pods', `${right.containerId}.json`));
    for (const sandbox of [bare, right, foreign, plain]) {
      startProcess(sandbox);
      announce(sandbox, { phase: 'Running', podIP: '198.18.88.7' });
    }
    server.put({
      metadata: { name: plain.name, namespace: 'shop', uid: plain.uid },
      spec: { containers: [{ name: 'app' }] },
      status: { phase: 'Running', podIP: '198.18.88.7' },
    });
    const other = `*nat\n:ISTIO_OUTPUT - [0:0]\n-A OUTPUT -j ISTIO_OUTPUT\n-A ISTIO_OUTPUT -p tcp -j REDIRECT --to-ports 15001\nCOMMIT\n`;
    execFileSync('nsenter', [`--net=/run/netns/${foreign.netns}`, '--', 'iptables-nft-restore', '--noflush'], {
      input: other,
    });
    const before = [right, foreign, plain].map(rulesOf);
    const agent = await startAgent();
    await until(() => recordOf(bare) !== undefined, agent.log);
    expect(recordOf(bare)).toMatchObject({ outcome: 'repaired', containerId: bare.containerId });
    expect(rulesOf(bare)).toContain('ISTIO_REDIRECT');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([right, foreign, plain].map(rulesOf)).toEqual(before);
    expect([right, foreign, plain].map(recordOf)).toEqual([undefined, undefined, undefined]);
    expect(agent.log().match(/repaired/g)).toHaveLength(1);
  });

  test('a pod that istio-validation holds is repaired, and the record says so', async () => {
    const sandbox = makeSandbox();
    startProcess(sandbox);
    const validation = {
      name: 'istio-validation',
      restartCount: 3,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 126 } },
    };
    announce(sandbox, { phase: 'Pending', podIP: '198.18.88.7', initContainerStatuses: [validation] });
    const agent = await startAgent();
    await until(() => recordOf(sandbox) !== undefined, agent.log);
    expect(recordOf(sandbox)).toMatchObject({ outcome: 'repaired' });
    expect(recordOf(sandbox)!.problems.join()).toMatch(
      /istio-validation found no rules \(exit code 126\) and was started again 3 times/,
    );
  });

  test('by setting, pods that were missed are deleted instead, unless nobody would make them anew', async () => {
    const [owned, alone] = [makeSandbox(), makeSandbox()];
    for (const sandbox of [owned, alone]) startProcess(sandbox);
    announce(owned, { phase: 'Running', podIP: '198.18.88.7' });
    announce(alone, { phase: 'Running', podIP: '198.18.88.7' });
    delete server.pods.get(`shop/${alone.name}`)!.metadata['ownerReferences'];
    const agent = await startAgent(['--on-miss', 'delete']);
    await until(() => recordOf(owned) !== undefined && recordOf(alone) !== undefined, agent.log);
    expect(recordOf(owned)).toMatchObject({ outcome: 'deleted' });
    expect(rulesOf(owned)).not.toContain('ISTIO');
    expect(server.pods.has(`shop/${owned.name}`)).toBe(false);
    expect(recordOf(alone)).toMatchObject({ outcome: 'repaired' });
    expect(recordOf(alone)!.problems.join()).toContain('No controller would make it anew');
    expect(server.pods.has(`shop/${alone.name}`)).toBe(true);
  });

  test('a note of a sandbox that is gone is forgotten', async () => {
    const sandbox = makeSandbox();
    await callPlugin('ADD', sandbox);
    const note = join(directory, 'missed', sandbox.containerId);
    writeFileSync(note, readFileSync(note, 'utf8').replace(`/run/netns/${sandbox.netns}`, '/run/netns/mla-gone'));
    writeFileSync(join(directory, 'missed', 'garbage'), Buffer.from([0, 255, 10, 61]));
    mkdirSync(join(directory, 'missed', 'directory'));
    const agent = await startAgent();
    await until(() => !noted(sandbox), agent.log);
    await until(() => agent.log().includes(`forgot shop/${sandbox.name}`), agent.log);
    announce(sandbox);
    expect((await callPlugin('ADD', sandbox)).code).toBe(0);
    expect(recordOf(sandbox)).toMatchObject({ outcome: 'programmed' });
  });

  test('a call that was being answered when the agent is told to end is answered; it ends within a second', async () => {
    const agent = await startAgent();
    const sandbox = makeSandbox();
    announce(sandbox);
    const called = callPlugin('ADD', sandbox);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await agent.end()).toBeLessThan(1_000);
    expect((await called).code).toBe(0);
    expect(noted(sandbox) || recordOf(sandbox)?.outcome === 'programmed').toBe(true);
    expect(existsSync(join(directory, 'agent.sock'))).toBe(false);
    server.faults = [(request) => /pods\/pod-/.test(request.url ?? '')];
    const slow = await startAgent();
    const waiting = callPlugin('ADD', makeSandbox());
    await until(() => server.requests.some((request) => /pods\/pod-/.test(request)), slow.log);
    expect(await slow.end()).toBeLessThan(1_000);
    expect(await waiting).toMatchObject({ code: 0, stdout: prevResult });
  });

  test('of two agents the second waits, and takes over without a pod being missed', async () => {
    const first = await startAgent();
    const second = await startAgent([], false);
    await until(() => second.log().includes('another agent answers'), second.log);
    const inode = statSync(join(directory, 'agent.sock')).ino;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(statSync(join(directory, 'agent.sock')).ino).toBe(inode);
    expect(readAgent().status?.pid).toBe(first.child.pid);
    await first.end('SIGKILL');
    await until(() => second.log().includes('answers on /'), second.log);
    const sandbox = makeSandbox();
    announce(sandbox);
    await callPlugin('ADD', sandbox);
    expect(recordOf(sandbox)).toMatchObject({ outcome: 'programmed' });
    expect(readAgent()).toMatchObject({ running: true, status: { pid: second.child.pid } });
  });

  test('the socket comes back when somebody takes it away, and the records when the agent starts anew', async () => {
    const agent = await startAgent();
    const sandbox = makeSandbox();
    announce(sandbox);
    await callPlugin('ADD', sandbox);
    rmSync(join(directory, 'agent.sock'));
    await until(() => existsSync(join(directory, 'agent.sock')), agent.log);
    await agent.end('SIGKILL');
    const next = await startAgent();
    expect(readAgent().records).toHaveLength(1);
    expect((await callPlugin('CHECK', sandbox)).code).toBe(0);
    rmSync(directory, { recursive: true });
    await until(() => existsSync(join(directory, 'agent.sock')) && existsSync(join(directory, 'agent.json')), next.log);
    const other = makeSandbox();
    announce(other);
    await callPlugin('ADD', other);
    expect(recordOf(other)).toMatchObject({ outcome: 'programmed' });
  });

  test('neighbours who talk nonsense, half a word or not at all are shown out, and pods start meanwhile', async () => {
    const agent = await startAgent();
    const path = join(directory, 'agent.sock');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const talk = (words: string | Buffer, ends = false) =>
      new Promise<number>((resolve) => {
        const begun = performance.now();
        const socket = connect(path, () => (ends ? socket.end(words) : socket.write(words)));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(performance.now() - begun));
      });
    const silent = Array.from({ length: 300 }, () => talk(''));
    const rude = [
      talk('GET / HTTP/1.1\r\n\r\n'),
      talk(Buffer.alloc(100_000, 7)),
      talk('meshloom-cni 1 1 -1 99999999999 5\n'),
      talk('meshloom-cni 1 1 -1 0 5\nab', true),
      talk('', true),
    ];
    const sandbox = makeSandbox();
    announce(sandbox);
    const { ms } = await callPlugin('ADD', sandbox);
    expect(recordOf(sandbox)).toMatchObject({ outcome: 'programmed' });
    expect(ms).toBeLessThan(1_500);
    for (const each of await Promise.all(rude)) expect(each).toBeLessThan(2_000);
    for (const each of await Promise.all(silent)) expect(each).toBeLessThan(5_000);
    expect(agent.child.exitCode).toBeNull();
    expect(agent.log().split('\n').length).toBeLessThan(20);
  });

  test('a full node: 110 pods start at once, and the agent stays small', async () => {
    const agent = await startAgent([], true, agentNodeFlags);
    const sandboxes = Array.from({ length: 110 }, makeSandbox);
    for (const sandbox of sandboxes) announce(sandbox);
    const begun = performance.now();
    let next = 0;
    const caller = async () => {
      for (let at = next++; at < sandboxes.length; at = next++)
        expect((await callPlugin('ADD', sandboxes[at]!)).code).toBe(0);
    };
    await Promise.all(Array.from({ length: 20 }, caller));
    const took = performance.now() - begun;
    await until(() => notes().length === 0, agent.log, 20_000);
    expect(sandboxes.filter((sandbox) => !rulesOf(sandbox).includes('ISTIO_REDIRECT'))).toEqual([]);
    const memory = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.child.pid}/status`, 'utf8'))![1]) / 1024;
    const busy = memory();
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    const each = (took / sandboxes.length).toFixed(0);
    console.log(
      `110 pods, 20 at once: ${each} ms each; the agent has ${busy.toFixed(1)} MB, then ${memory().toFixed(1)} MB`,
    );
    expect(memory()).toBeLessThan(60);
    expect(readAgent().records).toHaveLength(110);
  }, 120_000);
});
