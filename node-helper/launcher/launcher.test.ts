/** The launcher as a process, against agents that answer, are slow, talk nonsense, or are not there. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { locateJson, memberOf } from '../../mesh/cni/json-text.ts';
import { handleCall, supportedVersions } from '../plugin/handle-call.ts';
import type { CniCall } from '../plugin/types.ts';
import { printReply, RequestReader } from '../plugin/wire.ts';
import { fakeWorld } from '../plugin/fake-world.ts';
import { compile, describeCompiler, readCompilers, targets } from './build.mjs';

vi.setConfig({ testTimeout: 30_000 });

const work = mkdtempSync(join(tmpdir(), 'meshloom-launcher-'));
const socketPath = join(work, 'agent.sock');
const whyNot = process.platform === 'linux' ? undefined : 'the launcher is a program for Linux';
if (whyNot) console.log(`node-helper/launcher: skipped, because ${whyNot}`);

interface Variant {
  name: string;
  argv: string[];
}

/** The committed programs that run here: copied, because a checkout may have lost the executable bit. */
function listVariants(): Variant[] {
  if (whyNot) return [];
  const native = process.arch === 'arm64' ? 'arm64' : 'x64';
  return (['x64', 'arm64'] as const).flatMap((processor) => {
    const program = join(work, processor);
    copyFileSync(join(import.meta.dirname, `meshloom-cni-${processor}`), program);
    chmodSync(program, 0o755);
    if (processor === native) return [{ name: processor, argv: [program] }];
    const emulator = processor === 'arm64' ? 'qemu-aarch64-static' : 'qemu-x86_64-static';
    if (spawnSync(emulator, ['--version']).status === 0) return [{ name: processor, argv: [emulator, program] }];
    console.log(`node-helper/launcher: ${processor} is skipped, because ${emulator} is not installed`);
    return [];
  });
}

const variants = listVariants();
/** The one that runs without an emulator. */
const native = variants.find(({ argv }) => argv.length === 1);
const agents: Server[] = [];

interface Ended {
  code: number | null;
  stdout: string;
  ms: number;
}

const sandbox = {
  CNI_CONTAINERID: 'c0ffee-1',
  CNI_NETNS: '/proc/self/ns/net',
  CNI_IFNAME: 'eth0',
  CNI_PATH: '/opt/cni/bin',
};

function start(argv: string[], env: Record<string, string>, stdin: string | Buffer, keepOpen = false): Promise<Ended> {
  const [program = '', ...args] = argv;
  const began = performance.now();
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined);
  if (keepOpen) child.stdin.write(stdin);
  else child.stdin.end(stdin);
  return new Promise((resolve) =>
    child.on('close', (code) =>
      resolve({ code, stdout: Buffer.concat(chunks).toString(), ms: performance.now() - began }),
    ),
  );
}

function config(more: object = {}): string {
  return JSON.stringify({
    cniVersion: '1.0.0',
    name: 'pods',
    type: 'meshloom-cni',
    socket: socketPath,
    directory: join(work, 'run'),
    ...more,
  });
}

/** An agent that does with each connection what it is told. */
function listen(
  serve: (socket: Socket, call: CniCall) => void,
  onConnection?: (socket: Socket) => void,
): Promise<void> {
  const agent = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection?.(socket);
    const reader = new RequestReader();
    socket.on('data', (chunk) => {
      const call = reader.push(chunk);
      if (call) serve(socket, call);
    });
  });
  agents.push(agent);
  return new Promise((resolve) => agent.listen(socketPath, resolve));
}

function notes(): Record<string, string> {
  const directory = join(work, 'run/missed');
  if (!existsSync(directory)) return {};
  return Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}

afterEach(() => {
  for (const agent of agents.splice(0)) agent.close();
  rmSync(socketPath, { force: true });
  rmSync(join(work, 'run'), { recursive: true, force: true });
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe.each(variants)('the launcher for $name', ({ argv }) => {
  const run = (command: string, stdin: string | Buffer = config(), env: Record<string, string> = {}) =>
    start(argv, { ...sandbox, CNI_COMMAND: command, ...env }, stdin);

  describe('with an agent', () => {
    it('hands over the whole call and prints the answer', async () => {
      const calls: CniCall[] = [];
      await listen((socket, call) => {
        calls.push({ ...call, stdin: Buffer.from(call.stdin) });
        socket.end(printReply({ exit: 0, stdout: Buffer.from('{"the": "answer"}\n') }));
      });
      const stdin = `${config({ prevResult: {} })}\n `;
      const ended = await run('ADD', stdin, { CNI_ARGS: 'K8S_POD_NAME=a\nb', OTHER: 'x' });
      expect(ended).toMatchObject({ code: 0, stdout: '{"the": "answer"}\n' });
      expect(calls).toHaveLength(1);
      expect(calls[0]?.stdin.toString()).toBe(stdin);
      expect(calls[0]?.env).toEqual({ ...sandbox, CNI_COMMAND: 'ADD', CNI_ARGS: 'K8S_POD_NAME=a\nb' });
      expect(notes()).toEqual({});
    });

    it('holds the network namespace open while it waits, and no descriptor without one', async () => {
      const seen: number[] = [];
      await listen((socket, { pid, netnsFd }) => {
        seen.push(netnsFd);
        if (netnsFd >= 0) expect(existsSync(`/proc/${pid}/fd/${netnsFd}`)).toBe(true);
        socket.end(printReply({ exit: 0, stdout: Buffer.from('{}') }));
      });
      expect((await run('ADD')).stdout).toBe('{}');
      expect((await run('DEL', config(), { CNI_NETNS: '/gone' })).code).toBe(0);
      expect((await run('DEL', config(), { CNI_NETNS: '' })).code).toBe(0);
      expect(seen[0]).toBeGreaterThan(2);
      expect(seen.slice(1)).toEqual([-1, -1]);
    });

    it('carries megabytes both ways', async () => {
      const large = 'x'.repeat(3_000_000);
      await listen((socket, { stdin }) => socket.end(printReply({ exit: 0, stdout: Buffer.from(stdin) })));
      const stdin = config({ prevResult: { large } });
      const ended = await run('ADD', stdin);
      expect(ended.code).toBe(0);
      expect(ended.stdout).toBe(stdin);
    });

    it('lets CHECK fail, and nothing else', async () => {
      await listen((socket) => socket.end(printReply({ exit: 1, stdout: Buffer.from('{"code":100}') })));
      expect(await run('CHECK')).toMatchObject({ code: 1, stdout: '{"code":100}' });
      expect(await run('DEL')).toMatchObject({ code: 0, stdout: '' });
      expect(await run('STATUS', config({ cniVersion: '1.1.0' }))).toMatchObject({ code: 0, stdout: '' });
      expect(await run('GC', config({ cniVersion: '1.1.0' }))).toMatchObject({ code: 0, stdout: '' });
      expect(await run('ADD', config({ prevResult: { a: 1 } }))).toMatchObject({ code: 0, stdout: '{"a":1}' });
    });

    it('is understood by the agent’s own code', async () => {
      const world = fakeWorld();
      await listen((socket, call) => void handleCall(world, call).then((reply) => socket.end(printReply(reply))));
      const prevResult = '{ "cniVersion":"1.0.0", "ips":[{"address":"10.0.0.1/8"}],"ips":[ ] }';
      const text = `${config().slice(0, -1)},"prevResult":${prevResult}}`;
      expect(await run('ADD', text)).toMatchObject({ code: 0, stdout: prevResult });
      expect(await run('VERSION')).toMatchObject({ code: 0 });
    });
  });

  describe('when the agent does not behave', () => {
    const prevResult = { ips: [{ address: '10.0.0.7/24' }] };
    const nonsense: Record<string, string> = {
      'says nothing': '',
      'is another program': 'HTTP/1.1 400 Bad Request\r\n\r\n',
      'answers half': 'meshloom-cni 1 0 50\n{"cut',
      'answers more than it said': 'meshloom-cni 1 0 2\n{}{}',
      'has no result': 'meshloom-cni 1 0 0\n',
      'speaks another version': 'meshloom-cni 2 0 2\n{}',
      'counts beyond all bounds': 'meshloom-cni 1 0 99999999999999999999\n{}',
      'has an impossible exit code': 'meshloom-cni 1 256 2\n{}',
      'sends a negative length': 'meshloom-cni 1 0 -2\n{}',
    };
    it.each(Object.entries(nonsense))('lets the pod pass when it %s', async (_, answer) => {
      await listen((socket) => socket.end(answer));
      expect(await run('ADD', config({ prevResult }))).toMatchObject({ code: 0, stdout: JSON.stringify(prevResult) });
      expect(Object.keys(notes())).toEqual(['c0ffee-1']);
    });

    it('lets the pod pass when it dies in the middle of the request', async () => {
      await listen(
        () => undefined,
        (socket) => socket.destroy(),
      );
      const stdin = config({ prevResult, large: 'x'.repeat(5_000_000) });
      expect(await run('ADD', stdin)).toMatchObject({ code: 0, stdout: JSON.stringify(prevResult) });
    });

    it('lets an answer through that is slow, but in time', async () => {
      await listen((socket) => setTimeout(() => socket.end(printReply({ exit: 0, stdout: Buffer.from('{}') })), 700));
      expect(await run('ADD')).toMatchObject({ code: 0, stdout: '{}' });
    });

    it('is not stopped by an endless answer', async () => {
      await listen((socket) => {
        const more = () => socket.write(Buffer.alloc(1 << 20, 120)) && setImmediate(more);
        socket.on('drain', more);
        more();
      });
      expect(await run('ADD', config({ prevResult }))).toMatchObject({ code: 0, stdout: JSON.stringify(prevResult) });
    });
  });

  describe('without an agent', () => {
    it('prints prevResult byte for byte and leaves a note', async () => {
      const written = '{ "ips" : [\t{"address":"10.0.0.7\\/24"} ],"n":1.50e3,\r\n "ü\\u00e9":"prevResult\\"}" }';
      const text = `${config().slice(0, -1)},"prevResult":\n${written} , "z":{"prevResult":1}}`;
      const began = Date.now();
      const ended = await run('ADD', text, { CNI_ARGS: 'K8S_POD_NAMESPACE=shop;K8S_POD_NAME=reviews-1;A=b\nc' });
      expect(ended).toMatchObject({ code: 0, stdout: written });
      const { 'c0ffee-1': note = '' } = notes();
      const time = Number(/^TIME_MS=(\d+)$/m.exec(note)?.[1]);
      expect(time).toBeGreaterThanOrEqual(began - 1000);
      expect(note.replace(/\d+\n$/, '\n')).toBe(
        `CNI_CONTAINERID=c0ffee-1\nCNI_NETNS=/proc/self/ns/net\nCNI_IFNAME=eth0\n` +
          `CNI_ARGS=K8S_POD_NAMESPACE=shop;K8S_POD_NAME=reviews-1;A=b?c\nSOCKET=${socketPath}\nERRNO=2\nTIME_MS=\n`,
      );
    });

    it.each(supportedVersions)('makes a result of version %s where none was before', async (cniVersion) => {
      const { code, stdout } = await run('ADD', config({ cniVersion }));
      expect(code).toBe(0);
      const old = { cniVersion };
      const expected = cniVersion < '0.3' ? old : { cniVersion, interfaces: [], ips: [], routes: [], dns: {} };
      expect(JSON.parse(stdout)).toEqual(expected);
    });

    it('takes a missing version for 0.1.0', async () => {
      const { cniVersion: _, ...rest } = JSON.parse(config()) as Record<string, unknown>;
      expect((await run('ADD', JSON.stringify(rest))).stdout).toBe('{"cniVersion":"0.1.0"}');
    });

    it('lets a pod start where the note cannot be written', async () => {
      writeFileSync(join(work, 'a-file'), '');
      const text = config({ directory: join(work, 'a-file/below'), prevResult: { a: 1 } });
      expect(await run('ADD', text)).toMatchObject({ code: 0, stdout: '{"a":1}' });
    });

    it('refuses a socket whose path is too long as one that is not there', async () => {
      const text = config({ socket: `/${'x'.repeat(200)}`, prevResult: { a: 1 } });
      expect(await run('ADD', text)).toMatchObject({ code: 0, stdout: '{"a":1}' });
      expect(notes()['c0ffee-1']).toContain('ERRNO=36\n');
    });

    it('succeeds at everything else', async () => {
      expect(await run('DEL')).toMatchObject({ code: 0, stdout: '' });
      expect(await run('CHECK')).toMatchObject({ code: 0, stdout: '' });
      expect(await run('STATUS', config({ cniVersion: '1.1.0' }))).toMatchObject({ code: 0, stdout: '' });
      expect(await run('GC', config({ cniVersion: '1.1.0' }))).toMatchObject({ code: 0, stdout: '' });
      expect(notes()).toEqual({});
    });

    it('ends a pod whatever its configuration has become', async () => {
      for (const text of ['', '{', '[]', '{"cniVersion":"9.9.9"}', '{"cniVersion":7}'])
        expect(await run('DEL', text)).toMatchObject({ code: 0, stdout: '' });
    });
  });

  describe('a call that is not one', () => {
    const refused: [string, string, Record<string, string>, string, number][] = [
      ['no command', '', {}, config(), 4],
      ['an unknown command', 'PLAY', {}, config(), 4],
      ['no container', 'ADD', { CNI_CONTAINERID: '' }, config(), 4],
      ['a container id that is a path', 'ADD', { CNI_CONTAINERID: '../../etc' }, config(), 4],
      ['a container id that is hidden', 'DEL', { CNI_CONTAINERID: '.a' }, config(), 4],
      ['no interface', 'DEL', { CNI_IFNAME: '' }, config(), 4],
      ['an impossible interface', 'ADD', { CNI_IFNAME: 'a/b' }, config(), 4],
      ['no netns', 'ADD', { CNI_NETNS: '' }, config(), 4],
      ['no netns to check', 'CHECK', { CNI_NETNS: '' }, config(), 4],
      ['no path', 'GC', { CNI_PATH: '' }, config({ cniVersion: '1.1.0' }), 4],
      ['no configuration', 'ADD', {}, '', 6],
      ['a configuration that is cut off', 'ADD', {}, '{"cniVersion":"1.0.0"', 6],
      ['a configuration with more behind it', 'ADD', {}, '{} {}', 6],
      ['a configuration with a byte order mark', 'ADD', {}, '\ufeff{}', 6],
      ['a list', 'ADD', {}, '[{}]', 6],
      ['a version that is a number', 'ADD', {}, '{"cniVersion":1}', 6],
      ['a version that nobody published', 'ADD', {}, config({ cniVersion: '1.2.0' }), 1],
      ['almost a version', 'ADD', {}, config({ cniVersion: '1.0' }), 1],
      ['CHECK before there was one', 'CHECK', {}, config({ cniVersion: '0.3.1' }), 1],
      ['STATUS before there was one', 'STATUS', {}, config(), 1],
      ['GC before there was one', 'GC', {}, config(), 1],
      ['nesting without end', 'ADD', {}, `{"a":${'['.repeat(200_000)}`, 6],
    ];
    it.each(refused)('is refused as the specification says: %s', async (_, command, env, text, code) => {
      const ended = await run(command, text, env);
      expect(ended.code).toBe(1);
      expect(JSON.parse(ended.stdout)).toMatchObject({
        code,
        msg: expect.any(String) as string,
        cniVersion: expect.any(String) as string,
      });
      expect(notes()).toEqual({});
    });
  });

  it('answers VERSION by itself, whatever is on its standard input', async () => {
    for (const [text, version] of [
      ['{"cniVersion":"0.4.0"}', '0.4.0'],
      ['', '1.1.0'],
      ['{"cniVersion":"7"}', '1.1.0'],
    ] as const) {
      const ended = await start(
        argv,
        { CNI_COMMAND: 'VERSION', CNI_NETNS: 'dummy', CNI_IFNAME: 'dummy', CNI_PATH: 'dummy' },
        text,
      );
      expect(ended.code).toBe(0);
      expect(JSON.parse(ended.stdout)).toEqual({ cniVersion: version, supportedVersions });
    }
  });
});

it.skipIf(!native)(
  'the launcher waits no longer than 10 seconds for a pod’s start and 2 for its end, whatever hangs',
  async () => {
    const prevResult = { ips: [{ address: '10.0.0.7/24' }] };
    const run = (env: Record<string, string>) =>
      start(native?.argv ?? [], { ...sandbox, ...env }, config({ prevResult }));
    await listen((socket, { env }) => {
      if (env.CNI_CONTAINERID === 'half') socket.write('meshloom-cni 1 0 50\n{"cut');
    });
    const all = await Promise.all([
      run({ CNI_COMMAND: 'ADD' }),
      run({ CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'half' }),
      start(native?.argv ?? [], { ...sandbox, CNI_COMMAND: 'ADD' }, '{', true),
      run({ CNI_COMMAND: 'DEL' }),
      start(native?.argv ?? [], { ...sandbox, CNI_COMMAND: 'GC' }, config({ cniVersion: '1.1.0' })),
    ]);
    for (const { ms } of all.slice(0, 3)) expect(ms).toBeGreaterThan(9_500);
    for (const { ms } of all) expect(ms).toBeLessThan(18_000);
    for (const { ms } of all.slice(3)) expect(ms).toBeLessThan(8_000);
    expect(all.map(({ code }) => code)).toEqual([0, 0, 1, 0, 0]);
    expect(all[1]?.stdout).toBe(JSON.stringify(prevResult));
    expect(Object.keys(notes()).sort()).toEqual(['c0ffee-1', 'half']);
    expect(notes().half).toContain('ERRNO=110\n');
  },
  20_000,
);

it.skipIf(!native || process.getuid?.() !== 0)(
  'the launcher alone for a pod without any interface says so; called beside another network it passes',
  async () => {
    const standalone = { name: 'meshloom-cni' };
    const add = (more: object, netns: string, name = 'eth0') => {
      const env = { ...sandbox, CNI_COMMAND: 'ADD', CNI_NETNS: netns, CNI_IFNAME: name };
      return start(native?.argv ?? [], env, config(more));
    };
    const bare = spawn('unshare', ['--net', 'sleep', '20'], { stdio: 'ignore' });
    try {
      const netns = `/proc/${bare.pid}/ns/net`;
      while (readlinkSync(netns) === readlinkSync('/proc/self/ns/net'))
        await new Promise((done) => setTimeout(done, 5));
      const alone = await add(standalone, netns);
      expect(alone.code).toBe(1);
      expect(JSON.parse(alone.stdout)).toMatchObject({ cniVersion: '1.0.0', code: 101, details: 'eth0' });
      // In a list of others, wherever it stands in it, and with a result: it is not the only one.
      expect((await add({}, netns)).code).toBe(0);
      expect((await add({ ...standalone, prevResult: {} }, netns)).code).toBe(0);
      expect((await add(standalone, '/nowhere')).code).toBe(0);
      expect((await add(standalone, netns, 'net1')).code).toBe(0);
      execFileSync('nsenter', [`--net=${netns}`, 'ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'x']);
      expect((await add(standalone, netns)).code).toBe(0);
    } finally {
      bare.kill('SIGKILL');
    }
  },
);

describe.skipIf(!native)('the launcher’s reading of JSON', () => {
  it('agrees with JSON.parse on what is JSON, and where prevResult stands in it', { timeout: 120_000 }, () => {
    const random = seeded(20260821);
    const texts = Array.from({ length: trials }, (_, trial) => randomConfig(random, trial));
    const answers = runAll(native!, texts);
    const expected = texts.map(expectedOutput);
    for (const [at, text] of texts.entries())
      expect({ text, answer: answers[at] }).toEqual({ text, answer: expected[at] });
    const refused = expected.filter((output) => output === undefined).length;
    console.log(`launcher: ${trials - refused} configurations passed on, ${refused} refused, as JSON.parse says`);
    expect(trials - refused).toBeGreaterThan(trials / 3);
    expect(refused).toBeGreaterThan(trials / 6);
  });
});

const trials = 4000;

/** What ADD prints for each, undefined where it fails. One shell starts them all: from here each start takes ten times as long. */
function runAll({ argv }: Variant, texts: readonly string[]): (string | undefined)[] {
  const directory = mkdtempSync(join(work, 'fuzz-'));
  for (const [at, text] of texts.entries()) writeFileSync(join(directory, `${at}.in`), text);
  const script = `cd ${directory} && for i in *.in; do ${argv.join(' ')} < $i > \${i%.in}.out || mv \${i%.in}.out \${i%.in}.failed; done`;
  const { status } = spawnSync('sh', ['-c', script], {
    env: { ...sandbox, CNI_COMMAND: 'ADD', PATH: process.env.PATH },
  });
  expect(status).toBe(0);
  return texts.map((_, at) => {
    const output = join(directory, `${at}.out`);
    return existsSync(output) ? readFileSync(output, 'utf8') : undefined;
  });
}

/** What ADD has to print without an agent; undefined: it has to refuse. */
function expectedOutput(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const found = memberOf(locateJson(text), 'prevResult');
  return found?.kind === 'object' ? text.slice(found.start, found.end) : '{"cniVersion":"0.1.0"}';
}

/** As nobody writes it, but as it may be written; every third is damaged. */
function randomConfig(random: () => number, trial: number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const space = () => pick(['', '', '', ' ', '\n', '\t \r\n']);
  const letter = () =>
    pick([
      'a',
      'Z',
      '0',
      ' ',
      'é',
      '😀',
      '\\n',
      '\\"',
      '\\\\',
      '\\/',
      '\\u0041',
      '\\ud83d\\ude00',
      '\\ud83d',
      '{',
      '}',
      '[',
      ',',
      ':',
      '\u007f',
    ]);
  const string = () => `"${Array.from({ length: Math.floor(random() * 5) }, letter).join('')}"`;
  const key = () =>
    pick([
      string(),
      string(),
      '"prevResult"',
      '"prevResult"',
      '"prev\\u0052esult"',
      '"prevresult"',
      '"prevResultx"',
      '"name"',
    ]);
  const value = (depth: number): string => {
    const kind = random();
    if (depth > 0 && kind < 0.3) return object(depth - 1);
    if (depth > 0 && kind < 0.45)
      return `[${space()}${Array.from({ length: Math.floor(random() * 3) }, () => value(depth - 1)).join(`${space()},${space()}`)}${space()}]`;
    if (kind < 0.5) return '['.repeat(150) + ']'.repeat(150);
    return pick([string(), 'true', 'false', 'null', '0', '-1', '12.50', '1e5', '-0.0E+2', '3E-1']);
  };
  const object = (depth: number): string =>
    `{${space()}${Array.from({ length: Math.floor(random() * 5) }, () => `${key()}${space()}:${space()}${value(depth)}`).join(`${space()},${space()}`)}${space()}}`;
  const text = `${space()}${object(3)}${space()}`;
  // Where nobody answers and no note can be written.
  const whole = text
    .replace('{', `{"socket":"/nobody/is/there","directory":"/proc/self/none",`)
    .replace(/,(\s*\}\s*)$/, '$1')
    .replace(/",(\s*)\}(\s*)$/, '"$1}$2');
  if (trial % 3 !== 0) return whole;
  const at = Math.floor(random() * whole.length);
  if (random() < 0.3) return whole.slice(0, at);
  const damage = pick(['', ',', '"', '}', '{', ']', '\\', '0', '.', 'e', '\u0001', 'nul', ' ', ':', '-']);
  return whole.slice(0, at) + damage + whole.slice(at + (random() < 0.5 ? 1 : 0));
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

describe.each(targets)('the committed program $program', (target) => {
  it('is what its source compiles to', () => {
    const wanted = readCompilers()[target.program];
    const here = describeCompiler(target);
    if (here !== wanted) {
      console.log(
        `${target.program} is not compared: it was made by ${wanted}, here is ${here ?? `no ${target.compiler}`}`,
      );
      return;
    }
    const output = join(work, `again-${target.program}`);
    compile(target, output);
    expect(readFileSync(output).equals(readFileSync(join(import.meta.dirname, target.program)))).toBe(true);
  });

  it('is small, static, and has no executable stack', () => {
    const bytes = readFileSync(join(import.meta.dirname, target.program));
    expect(bytes.length).toBeLessThan(12 * 1024);
    const [offset, entrySize, count] = [
      Number(bytes.readBigUInt64LE(32)),
      bytes.readUInt16LE(54),
      bytes.readUInt16LE(56),
    ];
    const headers = Array.from({ length: count }, (_, at) => {
      const start = offset + at * entrySize;
      return { type: bytes.readUInt32LE(start), flags: bytes.readUInt32LE(start + 4) };
    });
    const [interpreter, stack, load] = [3, 0x6474e551, 1];
    expect(headers.some(({ type }) => type === interpreter)).toBe(false);
    expect(headers.find(({ type }) => type === stack)?.flags).toBe(6);
    // Nothing is both written and run.
    expect(headers.filter(({ type, flags }) => type === load && (flags & 3) === 3)).toEqual([]);
  });
});
