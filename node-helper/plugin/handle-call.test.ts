import { describe, expect, it } from 'vitest';
import type { Pod } from '../../mesh/kubernetes.ts';
import { fakeHost, type FakeFiles } from '../fake-host.ts';
import type { Command, CommandResult } from '../host.ts';
import { fakeWorld } from './fake-world.ts';
import { handleCall, supportedVersions } from './handle-call.ts';
import type { CniCall } from './types.ts';

const sidecar: Pod = {
  metadata: { name: 'reviews-1', namespace: 'shop', uid: '9f', annotations: { 'sidecar.istio.io/status': '{}' } },
  spec: { initContainers: [{ name: 'istio-validation' }], containers: [{ name: 'app' }, { name: 'istio-proxy' }] },
};

function variant(change: (pod: Pod) => void): Pod {
  const pod = structuredClone(sidecar);
  change(pod);
  return pod;
}

function call(command: string, config: object | string = {}, env: Record<string, string> = {}): CniCall {
  const text =
    typeof config === 'string' ? config : JSON.stringify({ cniVersion: '1.0.0', name: 'pods', prevResult, ...config });
  return {
    pid: 4711,
    netnsFd: 5,
    env: {
      ...{
        CNI_COMMAND: command,
        CNI_CONTAINERID: 'c1',
        CNI_NETNS: '/run/netns/a',
        CNI_IFNAME: 'eth0',
        CNI_PATH: '/bin',
      },
      CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=reviews-1;K8S_POD_UID=9f',
      ...env,
    },
    stdin: Buffer.from(text),
  };
}

const prevResult = { cniVersion: '1.0.0', ips: [{ address: '10.0.0.7/24' }] };

/** A container without iptables on a host that has it. */
const node: FakeFiles = {
  '/proc/self/ns/mnt': '-> mnt:[1]',
  '/proc/4711/ns/mnt': '-> mnt:[2]',
  '/proc/4711/ns/net': '-> net:[77]',
  '/proc/4711/fd/5': '-> net:[77]',
  '/proc/4711/net/dev': '',
  ...Object.fromEntries(
    ['iptables', 'iptables-nft-restore', 'ip6tables-nft-restore', 'iptables-nft-save', 'ip6tables-nft-save', 'ip'].map(
      (name) => [`/proc/4711/root/usr/sbin/${name}`, ''],
    ),
  ),
};

function world(pod: Pod | undefined, run?: (command: Command) => Partial<CommandResult>, files: FakeFiles = node) {
  const commands: Command[] = [];
  const host = fakeHost({
    files,
    run: (command) => {
      commands.push(command);
      if (command.argv.includes('--version')) return { stdout: 'iptables v1.8.9 (nf_tables)' };
      return run?.(command) ?? {};
    },
  });
  const fake = fakeWorld({ host, ...(pod && { pods: { 'shop/reviews-1': { pod } } }) });
  return { ...fake, host, commands, record: () => fake.kept.get('c1') };
}

describe('ADD', () => {
  it('programs a sidecar with one program of the host’s and passes the result on', async () => {
    const our = world(sidecar);
    const text =
      '{"cniVersion":"1.0.0", "prevResult" : { "ips":[ {"address":"10.0.0.7/24"} ], "x":1.0, "ü":"\\u00fc" } }';
    const reply = await handleCall(our, call('ADD', text));
    expect(reply.exit).toBe(0);
    expect(reply.stdout.toString()).toBe('{ "ips":[ {"address":"10.0.0.7/24"} ], "x":1.0, "ü":"\\u00fc" }');
    expect(our.host.ran).toEqual([
      'nsenter --mount=/proc/self/fd/3 -- /usr/sbin/iptables --version',
      'nsenter --net=/proc/self/fd/3 --mount=/proc/self/fd/4 -- /usr/sbin/iptables-nft-restore --noflush',
    ]);
    expect(our.commands[1]?.stdin).toMatch(
      /^\*nat\n-N ISTIO_INBOUND\n[^]*-A ISTIO_REDIRECT .* --to-ports 15001\nCOMMIT\n$/,
    );
    expect(our.record()).toMatchObject({
      ...{ containerId: 'c1', namespace: 'shop', name: 'reviews-1', uid: '9f', outcome: 'programmed' },
      ...{ knownFrom: 'api', backend: 'nft', families: ['4'], problems: [], at: '2026-08-21T10:00:00.000Z' },
    });
    expect(our.host.stillOpen).toEqual(new Set());
  });

  it('looks for the host’s programs once', async () => {
    const our = world(sidecar);
    await handleCall(our, call('ADD'));
    await handleCall(our, call('ADD', {}, { CNI_CONTAINERID: 'c2' }));
    expect(our.host.ran.filter((line) => line.includes('--version'))).toHaveLength(1);
  });

  it('programs both families of a pod that has IPv6 alone', async () => {
    const our = world(sidecar);
    await handleCall(our, call('ADD', { prevResult: { ips: [{ address: 'fd00::7/64' }] } }));
    expect(our.record()).toMatchObject({ outcome: 'programmed', families: ['4', '6'] });
    expect(our.host.ran.filter((line) => line.includes('restore'))).toHaveLength(2);
  });

  it('believes the plugins before it rather than what the API says of an earlier sandbox', async () => {
    const our = world(variant((pod) => void (pod.status = { podIP: '10.0.0.9', podIPs: [{ ip: '10.0.0.9' }] })));
    await handleCall(our, call('ADD', { prevResult: { ips: [{ address: 'fd00::7/64' }] } }));
    expect(our.record()?.families).toEqual(['4', '6']);
  });

  it('adds the routing that TPROXY takes, and starts no more than four programs', async () => {
    const our = world(
      variant(({ metadata }) => void (metadata!.annotations!['sidecar.istio.io/interceptionMode'] = 'TPROXY')),
    );
    await handleCall(our, call('ADD', { prevResult: { ips: [{ address: 'fd00::7/64' }] } }));
    expect(
      our.commands
        .slice(1)
        .map(({ argv }) => argv.slice(argv.indexOf('--') + 1).join(' '))
        .sort(),
    ).toEqual([
      '/usr/sbin/ip -4 -force -batch -',
      '/usr/sbin/ip -6 -force -batch -',
      '/usr/sbin/ip6tables-nft-restore --noflush',
      '/usr/sbin/iptables-nft-restore --noflush',
    ]);
  });

  const declined: [string, string, Pod][] = [
    [
      'of an excluded namespace',
      'cni-excluded-namespace',
      variant(({ metadata }) => void (metadata!.namespace = 'kube-system')),
    ],
    ['without a sidecar', 'istio-proxy', variant(({ spec }) => void (spec!.containers = [{ name: 'app' }]))],
    ['with istio-init', 'istio-init', variant(({ spec }) => void (spec!.initContainers = [{ name: 'istio-init' }]))],
    [
      'that opted out',
      'label',
      variant(({ metadata }) => void (metadata!.labels = { 'sidecar.istio.io/inject': 'false' })),
    ],
    ['that is a gateway', 'proxy-role', variant(({ spec }) => void (spec!.containers![1]!.args = ['proxy', 'router']))],
    [
      'that is nothing but a proxy',
      'containers',
      variant(({ spec }) => void (spec!.containers = [{ name: 'istio-proxy' }])),
    ],
    ['that was not injected', 'not-injected', variant(({ metadata }) => void (metadata!.annotations = {}))],
    [
      'that wants no interception',
      'interception-mode',
      variant(({ metadata }) => void (metadata!.annotations!['sidecar.istio.io/interceptionMode'] = 'NONE')),
    ],
  ];
  it.each(declined)('leaves a pod alone %s, says why, and starts no program', async (_, check, pod) => {
    const our = world(pod);
    const reply = await handleCall(our, call('ADD'));
    expect(JSON.parse(reply.stdout.toString())).toEqual(prevResult);
    expect(our.record()).toMatchObject({ outcome: 'declined', problems: [] });
    expect(our.record()?.steps.at(-1)).toMatchObject({ check, verdict: 'skip' });
    expect(our.host.ran).toEqual([]);
  });

  it('takes a native sidecar for a second container', async () => {
    const our = world(
      variant(({ spec }) => {
        spec!.initContainers = [{ name: 'istio-proxy', restartPolicy: 'Always' }];
        spec!.containers = [{ name: 'app' }];
      }),
    );
    await handleCall(our, call('ADD'));
    expect(our.record()?.outcome).toBe('programmed');
  });

  it('lets a pod start whose annotation means nothing, and says so', async () => {
    const our = world(
      variant(
        ({ metadata }) => void (metadata!.annotations!['traffic.sidecar.istio.io/includeInboundPorts'] = '80-90'),
      ),
    );
    expect((await handleCall(our, call('ADD'))).exit).toBe(0);
    expect(our.record()).toMatchObject({ outcome: 'missed' });
    expect(our.record()?.steps.at(-1)).toMatchObject({ verdict: 'reject' });
    expect(our.record()?.steps.at(-1)?.says).toContain('“80-90”');
    expect(our.host.ran).toEqual([]);
  });

  it('is no business of a sandbox that is no pod', async () => {
    const our = world(sidecar);
    await handleCall(our, call('ADD', {}, { CNI_ARGS: '' }));
    expect(our.record()).toMatchObject({ outcome: 'declined', namespace: '', name: '' });
    expect(our.asked).toEqual([]);
  });

  describe('without the API server', () => {
    const withStatus = (status: object, more: object = {}) => ({
      runtimeConfig: {
        'io.kubernetes.cri.pod-annotations': { 'sidecar.istio.io/status': JSON.stringify(status), ...more },
      },
    });

    it('goes by the annotations that the runtime hands over, and says what it had to assume', async () => {
      const our = world(undefined);
      await handleCall(
        our,
        call('ADD', withStatus({ initContainers: ['istio-validation'], containers: ['istio-proxy'] })),
      );
      expect(our.record()).toMatchObject({ outcome: 'programmed', knownFrom: 'annotations', uid: '9f' });
      expect(our.record()?.problems).toEqual([expect.stringContaining('1337')]);
    });

    it('knows a native sidecar', async () => {
      const our = world(undefined);
      await handleCall(
        our,
        call('ADD', withStatus({ initContainers: ['istio-validation', 'istio-proxy'], containers: null })),
      );
      expect(our.record()?.outcome).toBe('programmed');
    });

    it('leaves alone what has istio-init, is a gateway, or was not injected', async () => {
      for (const config of [
        withStatus({ initContainers: ['istio-init'], containers: ['istio-proxy'] }),
        withStatus({ initContainers: null, containers: ['istio-proxy'] }),
        { runtimeConfig: { 'io.kubernetes.cri.pod-annotations': {} } },
      ]) {
        const our = world(undefined);
        await handleCall(our, call('ADD', config));
        expect(our.record()).toMatchObject({ outcome: 'declined', problems: [] });
      }
    });

    it('records a miss where nothing can be known', async () => {
      const our = world(undefined);
      const reply = await handleCall(our, call('ADD'));
      expect(reply.exit).toBe(0);
      expect(our.record()).toMatchObject({
        outcome: 'missed',
        steps: [],
        problems: [expect.stringContaining('shop/reviews-1')],
      });
    });
  });

  describe('when programming fails', () => {
    it('lets the pod start and records what went wrong', async () => {
      const our = world(sidecar, ({ argv }) =>
        argv.includes('--noflush')
          ? { code: 1, stderr: 'iptables-nft-restore: line 2 failed: Operation not permitted.\n' }
          : {},
      );
      const reply = await handleCall(our, call('ADD'));
      expect(JSON.parse(reply.stdout.toString())).toEqual(prevResult);
      expect(our.record()).toMatchObject({
        outcome: 'missed',
        problems: [expect.stringContaining('Operation not permitted')],
      });
      expect(our.host.stillOpen).toEqual(new Set());
    });

    it.each([
      ['excludeOutboundPorts', '80,080'],
      ['excludeInboundPorts', '*'],
    ])('knows ports that iptables never takes: %s %s', async (name, value) => {
      const pod = variant(({ metadata }) => (metadata!.annotations![`traffic.sidecar.istio.io/${name}`] = value));
      const our = world(pod);
      expect((await handleCall(our, call('ADD'))).exit).toBe(0);
      expect(our.commands.filter(({ argv }) => argv.includes('--noflush'))).toEqual([]);
      expect(our.record()).toMatchObject({
        outcome: 'missed',
        steps: [{ verdict: 'reject', check: 'annotation-value' }],
      });
    });

    it('takes every port where that is meant', async () => {
      const pod = variant(
        ({ metadata }) => (metadata!.annotations!['traffic.sidecar.istio.io/includeInboundPorts'] = '*'),
      );
      const our = world(pod);
      await handleCall(our, call('ADD'));
      expect(our.record()).toMatchObject({ outcome: 'programmed' });
    });

    it('names the places where no iptables was', async () => {
      const { '/proc/4711/root/usr/sbin/iptables-nft-restore': _, ...files } = node;
      const our = world(sidecar, undefined, files);
      await handleCall(our, call('ADD'));
      expect(our.record()?.problems[0]).toMatch(/No iptables-restore .* the mount namespace of the runtime \(4711\)/);
    });

    it.each([
      ['the runtime', { '/proc/4711/stat': '4711 (meshloom) cni) S 12 4711 0', '/proc/12/ns/net': '-> net:[77]' }],
      ['the agent', { '/proc/self/ns/net': '-> net:[77]' }],
    ])('leaves the netns alone in which %s stands', async (_, files) => {
      const our = world(sidecar, undefined, { ...node, ...files });
      expect((await handleCall(our, call('ADD'))).exit).toBe(0);
      expect(our.commands).toEqual([]);
      expect(our.record()).toMatchObject({ outcome: 'declined', steps: [{ check: 'host-network' }] });
    });

    it('says that the netns cannot be opened', async () => {
      const our = world(sidecar);
      await handleCall(our, { ...call('ADD'), netnsFd: -1 });
      expect(our.record()?.problems[0]).toContain('/run/netns/a could not be opened');
    });

    it('is no reason not to start when a fault of ours is in the way', async () => {
      const our = world(sidecar);
      const host = {
        ...our.host,
        now: () => {
          throw new Error('no time');
        },
      };
      const reply = await handleCall({ ...our, host }, call('ADD'));
      expect(reply.exit).toBe(0);
      expect(our.record()).toMatchObject({ outcome: 'missed', problems: ['no time'] });
    });
  });

  it.each(supportedVersions)('answers in version %s when it is alone', async (cniVersion) => {
    const reply = await handleCall(world(sidecar), call('ADD', JSON.stringify({ cniVersion, name: 'n' })));
    expect(JSON.parse(reply.stdout.toString())).toMatchObject({ cniVersion });
    expect(reply.stdout.toString().includes('interfaces')).toBe(cniVersion >= '0.3');
  });

  it('reads the addresses of a result of 0.2.0', async () => {
    const our = world(sidecar);
    await handleCall(our, call('ADD', { cniVersion: '0.2.0', prevResult: { ip6: { ip: 'fd00::7/64' } } }));
    expect(our.record()?.families).toEqual(['4', '6']);
  });
});

describe('the other commands', () => {
  it('DEL forgets the pod and never fails', async () => {
    const our = world(sidecar);
    await handleCall(our, call('ADD'));
    for (const config of ['', '{', '{"cniVersion":"7.0.0"}'])
      expect(await handleCall(our, call('DEL', config, { CNI_NETNS: '' }))).toMatchObject({ exit: 0 });
    expect(our.kept.size).toBe(0);
  });

  it('GC forgets those that are no longer there, and nobody without being told', async () => {
    const our = world(undefined);
    for (const id of ['a', 'b', 'c']) await handleCall(our, call('ADD', {}, { CNI_CONTAINERID: id }));
    const gc = (more: object) => handleCall(our, call('GC', { cniVersion: '1.1.0', ...more }));
    expect(await gc({})).toMatchObject({ exit: 0 });
    expect([...our.kept.keys()]).toEqual(['a', 'b', 'c']);
    await gc({
      'cni.dev/attachments': [
        { containerID: 'a', ifname: 'eth0' },
        { containerID: 'b', ifname: 'eth0' },
      ],
    });
    expect([...our.kept.keys()]).toEqual(['a', 'b']);
    await gc({ 'cni.dev/valid-attachments': [] });
    expect([...our.kept.keys()]).toEqual([]);
  });

  it('STATUS is well, always', async () => {
    expect(await handleCall(world(undefined), call('STATUS', { cniVersion: '1.1.0' }))).toMatchObject({ exit: 0 });
  });

  it('CHECK asks nobody about a pod that got nothing from us', async () => {
    const our = world(undefined);
    expect(await handleCall(our, call('CHECK'))).toMatchObject({ exit: 0 });
    await handleCall(our, call('ADD'));
    expect(await handleCall(our, call('CHECK'))).toMatchObject({ exit: 0 });
    expect(our.host.ran).toEqual([]);
  });

  it('CHECK tells the first rule that is missing', async () => {
    const our = world(sidecar);
    await handleCall(our, call('ADD'));
    const reply = await handleCall(our, call('CHECK'));
    expect(reply.exit).toBe(1);
    expect(JSON.parse(reply.stdout.toString())).toMatchObject({
      cniVersion: '1.0.0',
      code: 100,
      msg: expect.stringContaining('shop/reviews-1') as string,
    });
  });

  const refused: [string, CniCall, number][] = [
    ['an unknown command', call('toString'), 4],
    ['no container', call('ADD', {}, { CNI_CONTAINERID: '' }), 4],
    ['a container that is a path', call('DEL', {}, { CNI_CONTAINERID: 'a/b' }), 4],
    ['no JSON', call('ADD', '{'), 6],
    ['an unknown version', call('ADD', { cniVersion: '1.2.0' }), 1],
    ['CHECK of a version without it', call('CHECK', { cniVersion: '0.3.1' }), 1],
  ];
  it.each(refused)('refuses as the specification says: %s', async (_, asked, code) => {
    const reply = await handleCall(world(sidecar), asked);
    expect(reply.exit).toBe(1);
    expect(JSON.parse(reply.stdout.toString())).toMatchObject({ code });
  });
});
