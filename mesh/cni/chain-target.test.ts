import { describe, expect, test } from 'vitest';
import { applySteps, type CniDirectoryEntry } from './cni-plan.ts';
import { planInstallation } from './plan-installation.ts';
import { planRemoval } from './plan-removal.ts';

const all = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0'];
const program = (type: string, supportedVersions = all) => ({ type, path: `/opt/cni/bin/${type}`, supportedVersions });
const ours = program('meshloom-cni');
const podnet = '{"cniVersion":"0.4.0","name":"podnet","plugins":[{"type":"bridge"},{"type":"portmap"}]}';
const multus = (more: object, type = 'multus') =>
  `${JSON.stringify({ cniVersion: '0.3.1', name: 'multus-cni-network', type, ...more }, undefined, 2)}\n`;

function planOn(files: Record<string, string>) {
  const entries: CniDirectoryEntry[] = Object.entries(files).map(([name, content]) => ({ name, content }));
  const probes = ['multus', 'multus-shim', 'bridge', 'portmap'].map((type) => program(type));
  const input = { probes, ours, entryText: '{"type":"meshloom-cni"}', confDir: '/etc/cni/net.d' };
  const plan = planInstallation({ ...input, entries });
  const after = applySteps(entries, plan);
  const again = planInstallation({ ...input, entries: after });
  const original = (name: string) => files[name] ?? null;
  const touched = [
    ...plan.writes.map(({ name, content }) => ({ name, original: original(name), wrote: content })),
    ...plan.removes.map((name) => ({ name, original: original(name), wrote: null, follows: plan.writes[0]!.name })),
  ];
  const back = applySteps(after, planRemoval({ entries: after, touched, type: 'meshloom-cni' }));
  return { plan, again, back: Object.fromEntries(back.map(({ name, content }) => [name, content])) };
}

describe.each(['multus', 'multus-shim'])('%s', (type) => {
  test.each([
    ['a path in its own pod', '/host/etc/cni/net.d/10-podnet.conflist'],
    ['a path on the node', '/etc/cni/net.d/10-podnet.conflist'],
    ['the network’s name', 'podnet'],
  ])('delegates by %s: that file alone is edited', (_, clusterNetwork) => {
    const files = { '00-multus.conf': multus({ clusterNetwork }, type), '10-podnet.conflist': podnet };
    const { plan, again, back } = planOn(files);
    expect(plan).toMatchObject({
      action: 'insert',
      effective: '00-multus.conf',
      result: '00-multus.conf',
      cniVersion: '0.4.0',
      writes: [{ name: '10-podnet.conflist' }],
      removes: [],
    });
    expect(again.action).toBe('none');
    expect(back).toEqual(files);
  });

  test('delegates to a single configuration by its name: that becomes a list', () => {
    const files = {
      '00-multus.conf': multus({ clusterNetwork: 'b' }, type),
      '10-b.conf': '{"cniVersion":"0.4.0","name":"b","type":"bridge"}',
    };
    const { plan, again, back } = planOn(files);
    expect(plan).toMatchObject({ action: 'convert', result: '00-multus.conf', removes: ['10-b.conf'] });
    expect(again.action).toBe('none');
    expect(back).toEqual(files);
  });

  test.each([
    ['a list', { delegates: [{ cniVersion: '0.4.0', name: 'p', plugins: [{ type: 'bridge' }] }] }],
    [
      'a single plugin',
      { delegates: [{ cniVersion: '0.4.0', name: 'p', type: 'bridge', mtu: 1 }, { type: 'portmap' }] },
    ],
    ['one without a version', { delegates: [{ name: 'p', type: 'bridge' }] }],
  ])('holds %s itself: the first one is edited, in place', (_, more) => {
    const files = { '00-multus.conf': multus(more, type) };
    const { plan, again, back } = planOn(files);
    expect(plan).toMatchObject({ action: 'insert', result: '00-multus.conf', writes: [{ name: '00-multus.conf' }] });
    const { delegates } = JSON.parse(plan.writes[0]!.content) as { delegates: { plugins: { type: string }[] }[] };
    expect(delegates[0]!.plugins.map((plugin) => plugin.type)).toEqual(['bridge', 'meshloom-cni']);
    expect(delegates.slice(1)).toEqual(more.delegates.slice(1));
    expect(again.action).toBe('none');
    expect(back).toEqual(files);
  });

  test.each([
    ['a network that the cluster holds', { clusterNetwork: 'default/podnet' }],
    ['a network of no file', { clusterNetwork: 'other' }],
    ['a file elsewhere', { clusterNetwork: '/etc/cni/multus/net.d/10-x.conflist' }],
    ['nothing at all', {}],
    ['a single configuration by its path', { clusterNetwork: '/etc/cni/net.d/20-s.conf' }],
  ])('delegates to %s: refused, and where to chain is said', (_, more) => {
    const { plan } = planOn({
      '00-multus.conf': multus(more, type),
      '10-podnet.conflist': podnet,
      '20-s.conf': '{"name":"s","type":"bridge"}',
    });
    expect(plan).toMatchObject({ action: 'refuse', writes: [] });
    expect(plan.problems[0]).toMatchObject({ severity: 'error', code: 'ML2013', plugin: type });
  });
});

test('a network in Multus’ own directory is another one than that of the same name here', () => {
  const plan = planInstallation({
    entries: [
      { name: '00-multus.conf', content: multus({ clusterNetwork: 'podnet' }) },
      { name: '10-podnet.conflist', content: podnet },
    ],
    probes: ['multus', 'bridge', 'portmap'].map((type) => program(type)),
    ours,
    entryText: '{"type":"meshloom-cni"}',
    ownNetworks: ['podnet'],
  });
  expect(plan).toMatchObject({ action: 'refuse', writes: [] });
  expect(plan.problems[0]!.message).toContain('/etc/cni/multus/net.d');
});
