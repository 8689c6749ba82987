import { expect, test } from 'vitest';
import type { NodeHelperReply } from '../contract/node-helper.ts';
import { answerRequest } from './answer.ts';
import { fakeHost, type FakeFiles } from './fake-host.ts';
import type { Command, CommandResult } from './host.ts';

const uid = '9f1c2a3b-0d4e-4f5a-8b6c-7d8e9f0a1b2c';
const request = JSON.stringify({
  protocol: 1,
  verb: 'inspect-pod',
  pod: { uid, namespace: 'shop', name: 'reviews-1', ips: ['10.88.0.7'] },
});
const podFiles: FakeFiles = {
  '/proc/self/ns/mnt': '-> mnt:[1]',
  '/proc/self/status': 'Name:\tnode\nCapEff:\t00000000002c3100\n',
  '/proc/50/cgroup': '0::/system.slice/kubelet.service',
  '/proc/50/comm': 'kubelet',
  '/proc/50/ns/net': '-> net:[4000]',
  '/proc/50/ns/mnt': '-> mnt:[2]',
  '/proc/101/cgroup': `0::/kubepods/pod${uid}/${'4b'.repeat(32)}`,
  '/proc/101/stat': `101 (pause) S ${'0 '.repeat(18)}7`,
  '/proc/101/cmdline': '/pause\0',
  '/proc/101/ns/net': '-> net:[4001]',
  '/proc/101/ns/mnt': '-> mnt:[3]',
  '/proc/101/ns/pid': '-> pid:[3]',
  '/proc/101/net/fib_trie': '|-- 10.88.0.7\n /32 host LOCAL',
};
const nftTools: FakeFiles = {
  '/usr/sbin/iptables-nft-save': '',
  '/usr/sbin/ip6tables-nft-save': '',
  '/usr/sbin/nft': '',
};
const procNet = (names: string) =>
  `==> /proc/self/net/ip_tables_names <==\n${names}\n==> /proc/self/net/tcp <==\nsl\n 0: 00000000:3A99 0:0 0A\n==> /proc/self/net/dev <==\n eth0: 0\n`;

/** Answers by the first word of the program that stands in the command line. */
function programs(answers: Record<string, Partial<CommandResult>>) {
  return ({ argv }: Command): Partial<CommandResult> => {
    const line = argv.join(' ');
    const name = Object.keys(answers).find((word) => line.includes(word));
    return name === undefined ? { stopped: 'missing' } : answers[name]!;
  };
}

async function inspect(files: FakeFiles, answers: Record<string, Partial<CommandResult>>) {
  const host = fakeHost({ files: { ...podFiles, ...files }, run: programs(answers) });
  const reply = (await answerRequest(host, request)) as NodeHelperReply<'inspect-pod'>;
  expect([...host.stillOpen]).toEqual([]);
  return { host, reply, result: reply.ok ? reply.result : undefined, error: reply.ok ? undefined : reply.error };
}

const v4 = { stdout: '*nat\n-A PREROUTING -p tcp -j ISTIO_INBOUND\nCOMMIT\n' };

test('reads both families through the held netns and says what was run', async () => {
  const { result, host, reply } = await inspect(nftTools, {
    tail: { stdout: procNet('') },
    'ip6tables-nft-save': {},
    'iptables-nft-save': v4,
    'nft list': {},
  });
  expect(reply.helper).toEqual({ version: '1.2.3', hash: '0123456789ab' });
  expect(result?.readings).toEqual([
    {
      family: '4',
      backend: 'nft',
      origin: 'container',
      command: 'nsenter --net=/proc/101/ns/net /usr/sbin/iptables-nft-save -c',
      text: v4.stdout,
    },
    {
      family: '6',
      backend: 'nft',
      origin: 'container',
      command: 'nsenter --net=/proc/101/ns/net /usr/sbin/ip6tables-nft-save -c',
      text: '',
    },
  ]);
  expect(result).toMatchObject({
    pid: 101,
    netns: 'net:[4001]',
    listening: [{ port: 15001 }],
    interfaces: [{ name: 'eth0' }],
  });
  expect(result?.notes.join()).toContain('iproute2');
  expect(host.ran).toContain('nsenter --net=/proc/self/fd/3 -- /usr/sbin/iptables-nft-save -c');
});

test('never looks with legacy programs where there is no legacy table', async () => {
  const legacy = { '/usr/sbin/iptables-legacy-save': '', '/usr/sbin/ip6tables-legacy-save': '' };
  const answers = {
    'ip6tables-nft-save': {},
    'iptables-nft-save': v4,
    'nft list': {},
    'iptables-legacy-save': { stdout: '*filter\nCOMMIT\n' },
  };
  const without = await inspect({ ...nftTools, ...legacy }, { tail: { stdout: procNet('') }, ...answers });
  expect(without.host.ran.join('\n')).not.toContain('legacy');
  const withTable = await inspect({ ...nftTools, ...legacy }, { tail: { stdout: procNet('filter') }, ...answers });
  expect(withTable.result?.readings.map(({ backend, family }) => backend + family)).toEqual([
    'nft4',
    'nft6',
    'legacy4',
  ]);
  expect(withTable.host.ran.join('\n')).not.toContain('ip6tables-legacy');
});

test('takes the host’s programs when its own image has none, and names them', async () => {
  const files = { '/proc/50/root/usr/sbin/xtables-nft-multi': '', '/proc/50/root/usr/sbin/nft': '' };
  const { result, host } = await inspect(files, {
    tail: { stdout: procNet('') },
    'ip6tables-save': {},
    'iptables-save': v4,
    'nft list': {},
  });
  expect(result?.readings[0]).toMatchObject({ origin: 'host', text: v4.stdout });
  expect(host.ran).toContain(
    'nsenter --net=/proc/self/fd/3 --mount=/proc/self/fd/4 -- /usr/sbin/xtables-nft-multi iptables-save -c',
  );
});

test('asks a plain iptables-save which backend it is, in its own place', async () => {
  const files = { '/usr/sbin/iptables-save': '', '/usr/sbin/ip6tables-save': '' };
  const nft = await inspect(files, {
    tail: { stdout: procNet('') },
    version: { stdout: 'iptables-save v1.8.9 (nf_tables)' },
    'tables-save -c': v4,
  });
  expect(nft.result?.readings.map(({ backend, origin }) => `${backend} ${origin}`)).toEqual([
    'nft container',
    'nft container',
  ]);
  expect(nft.result?.notes.join()).toContain('No nft was found');
  const legacy = await inspect(files, {
    tail: { stdout: procNet('') },
    version: { stdout: 'iptables-save v1.8.9 (legacy)' },
  });
  expect(legacy.error?.code).toBe('no-iptables');
});

test('runs a program from the pod’s files last, and only with every other right given up', async () => {
  const files = { '/proc/101/root/usr/sbin/iptables-nft-save': '' };
  const { result, host } = await inspect(files, { tail: { stdout: procNet('') }, 'iptables-nft-save': v4 });
  expect(result?.readings[0]).toMatchObject({ origin: 'proxy-container' });
  const line = host.ran.find((ran) => ran.includes('chroot'));
  expect(line).toMatch(/^nsenter --net=\/proc\/self\/fd\/3 --pid=\/proc\/self\/fd\/4 -- setpriv --no-new-privs/);
  expect(line).toContain(
    '--bounding-set=-all,+net_admin,+net_raw,+sys_chroot chroot /proc/self/fd/5 /usr/sbin/iptables-nft-save -c',
  );
});

test('runs nothing of the pod’s when it could not give up its rights first', async () => {
  const files = {
    '/proc/101/root/usr/sbin/iptables-nft-save': '',
    '/proc/self/status': 'CapEff:\t00000000002c3000\n',
  };
  const { error, host } = await inspect(files, { tail: { stdout: procNet('') }, 'iptables-nft-save': v4 });
  expect(error?.code).toBe('no-iptables');
  expect(host.ran.join('\n')).not.toContain('chroot');
});

test('one reading that is refused leaves the others', async () => {
  const legacy = { '/usr/sbin/iptables-legacy-save': '' };
  const denied = {
    code: 1,
    stderr: 'iptables-save v1.8.9 (legacy): Cannot initialize: Permission denied (you must be root)',
  };
  const answers = {
    tail: { stdout: procNet('nat') },
    'legacy-save': denied,
    'ip6tables-nft-save': {},
    'iptables-nft-save': v4,
    'nft list': {},
  };
  const { result } = await inspect({ ...nftTools, ...legacy }, answers);
  expect(result?.readings.map(({ backend }) => backend)).toEqual(['nft', 'nft']);
  expect(result?.notes.join()).toContain('Permission denied');
  const all = await inspect(
    { ...nftTools, ...legacy },
    { tail: { stdout: procNet('nat') }, 'nft list': denied, save: denied },
  );
  expect(all.error).toMatchObject({ code: 'not-permitted', hint: expect.stringContaining('NET_ADMIN') });
});

test('goes on with the next place when a program does not run, and notes it', async () => {
  const files = {
    ...nftTools,
    '/proc/50/root/usr/sbin/iptables-nft-save': '',
    '/proc/50/root/usr/sbin/ip6tables-nft-save': '',
  };
  const { result } = await inspect(files, {
    tail: { stdout: procNet('') },
    mount: v4,
    'tables-nft-save': { code: 127, stderr: 'error while loading shared libraries' },
    'nft list': {},
  });
  expect(result?.readings.map(({ origin }) => origin)).toEqual(['host', 'host']);
  expect(result?.notes.join()).toContain('shared libraries');
});

test('shows tables that were written with nft itself', async () => {
  const table = 'table inet istio-proxy-nat {\n}\n';
  const { result } = await inspect(nftTools, {
    tail: { stdout: procNet('') },
    tables: {},
    'nft list': { stdout: `table ip nat {\n}\n${table}` },
  });
  expect(result?.readings.filter(({ backend }) => backend === 'native-nft')).toMatchObject([
    { family: '4', text: table },
    { family: '6', text: table },
  ]);
});

test('a missing right is an error of its own, with what to do', async () => {
  const denied = { code: 1, stderr: "nsenter: reassociate to namespace 'ns/net' failed: Operation not permitted" };
  const { error } = await inspect(nftTools, { nsenter: denied });
  expect(error).toMatchObject({ code: 'not-permitted', hint: expect.stringContaining('SYS_ADMIN') });
});

test('a program that hangs is a timeout, nothing to print rules is no-iptables', async () => {
  expect(
    (await inspect(nftTools, { tail: { stdout: procNet('') }, 'nft-save': { stopped: 'timeout' }, 'nft list': {} }))
      .error?.code,
  ).toBe('timeout');
  expect((await inspect({}, { tail: { stdout: procNet('') } })).error?.code).toBe('no-iptables');
});

test('what did not answer in time is missing, the rest is there', async () => {
  const { result } = await inspect(nftTools, {
    tail: { stdout: procNet('') },
    'ip6tables-nft-save': { stopped: 'timeout' },
    'iptables-nft-save': v4,
    'nft list': {},
  });
  expect(result?.readings.map(({ family }) => family)).toEqual(['4']);
  expect(result?.notes.join()).toContain('“/usr/sbin/ip6tables-nft-save -c” gave no rules: no answer in time');
});

test('a pod that restarts while it is read is told as it was until then', async () => {
  const files: FakeFiles = { ...podFiles, ...nftTools, '/proc/101/net/dev': ' eth0: 0\n' };
  const host = fakeHost({
    files,
    run: ({ argv }) => {
      files['/proc/101/ns/net'] = '!ENOENT';
      return argv.includes('/usr/sbin/iptables-nft-save') ? v4 : {};
    },
  });
  const reply = (await answerRequest(host, request)) as NodeHelperReply<'inspect-pod'>;
  if (!reply.ok) throw new Error(reply.error.message);
  expect(reply.result.readings[0]?.text).toBe(v4.stdout);
  expect(reply.result.notes.join()).toContain('Process 101 of the pod ended while its network namespace was read');
  expect([...host.stillOpen]).toEqual([]);
});

test('reads /proc of the pod itself, and only where its netns is still the same', async () => {
  const own = { '/proc/101/net/dev': ' eth0: 0\n', '/proc/101/net/ip_tables_names': 'nat\n' };
  const legacy = { '/usr/sbin/iptables-legacy-save': '' };
  const { host, result } = await inspect({ ...nftTools, ...own, ...legacy }, { 'tables-nft-save': {}, legacy: v4 });
  expect(host.ran.join()).not.toContain('tail');
  expect(result?.readings.map(({ backend }) => backend)).toContain('legacy');
});

test('many pods at once: each has its own result or error, in the order in which they were asked for', async () => {
  const host = fakeHost({ files: { ...podFiles, ...nftTools }, run: programs({ 'tables-nft-save': v4, nft: {} }) });
  const pods = [
    { uid: 'gone', ips: [] },
    { uid, namespace: 'shop', name: 'reviews-1', ips: ['10.88.0.7'] },
  ];
  const reply = await answerRequest(host, JSON.stringify({ protocol: 1, verb: 'inspect-pods', pods }));
  expect(reply).toMatchObject({
    ok: true,
    result: {
      pods: [
        { uid: 'gone', ok: false, error: { code: 'pod-not-found' } },
        { uid, ok: true },
      ],
    },
  });
  const all = await answerRequest(host, '{"protocol":1,"verb":"inspect-pods"}');
  expect(all).toMatchObject({ ok: true, result: { pods: [{ uid, ok: true }] } });
  expect([...host.stillOpen]).toEqual([]);
});

test.each([
  ['not JSON', 'bad-request'],
  ['{"protocol":1,"verb":"inspect-pods","pods":[{}]}', 'bad-request'],
  ['{"protocol":1,"verb":"inspect-pod"}', 'bad-request'],
  ['{"protocol":1,"verb":"dance"}', 'unknown-verb'],
  ['{"protocol":9,"verb":"hello"}', 'protocol'],
  [request.replace('9f1c2a3b', '00000000'), 'pod-not-found'],
])('answers %s with an error, not with a crash', async (text, code) => {
  expect(await answerRequest(fakeHost({ files: podFiles }), text)).toMatchObject({
    protocol: 1,
    ok: false,
    error: { code },
  });
});

test('an unforeseen failure is told with its own words', async () => {
  expect(await answerRequest(fakeHost({ files: {} }), request)).toMatchObject({
    ok: false,
    error: { code: 'internal', message: expect.stringContaining('ENOENT') },
  });
});

test('hello lists the programs with their versions', async () => {
  const host = fakeHost({
    files: { ...podFiles, ...nftTools },
    run: programs({ version: { stdout: 'iptables-save v1.8.9 (nf_tables)\n' } }),
  });
  expect(await answerRequest(host, '{"protocol":1,"verb":"hello"}')).toMatchObject({
    ok: true,
    result: {
      node: 'n1',
      kernel: '6.1.0',
      iptables: [{ origin: 'container', backend: 'nft', path: '/usr/sbin/iptables-nft-save', version: '1.8.9' }],
    },
  });
});
