import { describe, expect, it } from 'vitest';
import type { ReadCniResult, RuntimeCni } from '../../../contract/node-helper.ts';
import type { NetworkAgent } from '../../../mesh/pods/describe-node.ts';
import { chainOf, withInstallers } from './read-node-chain.ts';

const runtimeCni: RuntimeCni = {
  program: 'containerd',
  source: 'status',
  confDir: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
  binDirs: ['/var/lib/rancher/k3s/data/cni'],
};
const result: ReadCniResult = {
  confDir: runtimeCni.confDir,
  binDirs: runtimeCni.binDirs,
  files: [{ name: '10-a.conflist', content: '{"cniVersion":"1.0.0","name":"a","plugins":[{"type":"bridge"}]}' }],
  plugins: [],
  notes: [],
  runtimeCni,
};
const installer: NetworkAgent = {
  product: 'Istio CNI',
  namespace: 'istio-system',
  name: 'istio-cni-node',
  image: 'install-cni:1',
  pod: { name: 'istio-cni-node-x', ready: true },
  orphan: false,
  hostPaths: ['/etc/cni/net.d', '/opt/cni/bin', '/var/run/netns'],
};
const chain = chainOf(result, { now: 0 });
const codes = (agents: NetworkAgent[], runtime = runtimeCni) =>
  withInstallers(chain, { runtimeCni: runtime }, agents).problems.map(({ code }) => code);

describe('an installer that writes elsewhere than the runtime reads', () => {
  it('is named with both directories', () => {
    const problems = withInstallers(chain, result, [installer]).problems.filter(({ code }) => code === 'ML2026');
    expect(problems).toHaveLength(2);
    expect(problems[0]?.message).toContain('istio-system/istio-cni-node writes to /etc/cni/net.d');
    expect(problems[0]?.message).toContain(runtimeCni.confDir);
  });

  it('is none where it does not run, mounts what is used, or nobody knows what is used', () => {
    const { pod: _, ...elsewhere } = installer;
    expect(codes([elsewhere])).not.toContain('ML2026');
    expect(codes([{ ...installer, hostPaths: [runtimeCni.confDir, ...runtimeCni.binDirs] }])).not.toContain('ML2026');
    expect(codes([installer], { ...runtimeCni, source: 'usual' })).not.toContain('ML2026');
  });
});
