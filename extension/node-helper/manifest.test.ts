import { describe, expect, it } from 'vitest';
import { agentAllocation, agentNodeFlags, helperHostRoot, interceptRights } from '../../contract/node-helper-rights.ts';
import { agentCommand, helperManifest, manifestRights, usableDirectories, type HelperOptions } from './manifest.ts';
import { printPreview } from './preview.ts';

const directories = {
  confDirs: ['/etc/cni/net.d', '/var/lib/rancher/k3s/agent/etc/cni/net.d'],
  binDirs: ['/opt/cni/bin', '/var/lib/rancher/k3s/data/cni'],
};
const settings = { excludeNamespaces: ['kube-system', 'infra'], onMiss: 'delete', backend: 'nft' } as const;
const intercept: Partial<HelperOptions> = {
  mode: 'intercept',
  settings: { ...settings, excludeNamespaces: [...settings.excludeNamespaces] },
  directories,
  launchers: { x64: Buffer.from('x'), arm64: Buffer.from('a') },
};
const manifestOf = (more: Partial<HelperOptions> = {}) =>
  helperManifest({ image: 'node:24-slim', version: '0.1.0', program: Buffer.from('p'), ...more });

interface Template {
  containers: {
    command: string[];
    env: { name: string; value?: string }[];
    securityContext: { capabilities: { add: string[] }; privileged?: boolean; seLinuxOptions?: { type: string } };
    volumeMounts: { mountPath: string; readOnly?: boolean; name: string }[];
    ports?: unknown;
  }[];
  initContainers: { command: string[]; volumeMounts: { mountPath: string }[] }[];
  volumes: { name: string; hostPath?: { path: string; type?: string }; projected?: unknown }[];
  automountServiceAccountToken: boolean;
  priorityClassName?: string;
}

function templateOf(more: Partial<HelperOptions> = {}): Template {
  const daemonSet = manifestOf(more).find(({ kind }) => kind === 'DaemonSet') as unknown as {
    spec: { template: { spec: Template } };
  };
  return daemonSet.spec.template.spec;
}

/** Every right as a manifest asks for it, in the words of the list of rights. */
function askedFor(more: Partial<HelperOptions> = {}): string[] {
  const [container] = templateOf(more).containers;
  const rules = manifestOf(more).flatMap((object) =>
    object.kind === 'ClusterRole' ? (object.rules as { resources: string[]; verbs: string[] }[]) : [],
  );
  return [
    ...container!.securityContext.capabilities.add,
    ...container!.volumeMounts
      .filter(({ mountPath }) => mountPath.startsWith(`${helperHostRoot}/`))
      .map(({ mountPath, readOnly }) => `${mountPath.slice(helperHostRoot.length)}${readOnly ? '' : ' (rw)'}`),
    ...(container!.securityContext.seLinuxOptions ? ['seLinuxOptions: spc_t'] : []),
    ...(templateOf(more).volumes.some(({ projected }) => projected) ? ['serviceAccountToken'] : []),
    ...rules.map(({ resources, verbs }) => `${resources.join()}: ${verbs.join(', ')}`),
  ];
}

describe('the two modes', () => {
  it('differ exactly by the rights that are explained', () => {
    const observe = askedFor();
    const added = askedFor(intercept).filter((right) => !observe.includes(right));
    const explained = interceptRights({ ...directories, onMiss: 'delete' }).map(({ name }) => name);
    expect(added.sort()).toEqual(explained.sort());
    const gone = observe.filter((right) => !askedFor(intercept).includes(right));
    expect(gone.sort()).toEqual(['/etc/cni/net.d', '/opt/cni/bin']);
  });

  it('run the program in the same Node, but for what keeps the agent small', () => {
    const [observe] = templateOf().containers;
    const [agent] = templateOf(intercept).containers;
    const program = '/run/meshloom/node-helper.js';
    expect(observe!.command).toEqual(['node', program, 'wait']);
    expect(agent!.command.slice(0, agentNodeFlags.length + 3)).toEqual(['node', ...agentNodeFlags, program, 'agent']);
    const names = observe!.env.map(({ name }) => name);
    const added = agent!.env.filter(({ name }) => !names.includes(name));
    expect(Object.fromEntries(added.map(({ name, value }) => [name, value]))).toEqual(agentAllocation);
    expect(agent!.env.slice(0, names.length)).toEqual(observe!.env);
  });

  it('are explained in the preview with all that they ask for', () => {
    for (const more of [{}, intercept]) {
      const names = manifestRights(more.mode, more).map(({ name }) => name);
      expect(askedFor(more).filter((right) => !names.includes(right))).toEqual([]);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('in observe mode see further directories of a runtime, read-only, each explained', () => {
    const more = { directories, launchers: { x64: Buffer.from('x') } };
    const added = askedFor(more).filter((right) => !askedFor().includes(right));
    expect(added.sort()).toEqual(['/var/lib/rancher/k3s/agent/etc/cni/net.d', '/var/lib/rancher/k3s/data/cni']);
    const names = manifestRights('observe', more).map(({ name }) => name);
    expect(askedFor(more).filter((right) => !names.includes(right))).toEqual([]);
  });

  it('share what keeps them small: no port, not privileged, no automatic token, no priority', () => {
    for (const more of [{}, intercept]) {
      const spec = templateOf(more);
      expect([spec.automountServiceAccountToken, spec.priorityClassName]).toEqual([false, undefined]);
      for (const { ports, securityContext } of spec.containers)
        expect([ports, securityContext.privileged]).toEqual([undefined, undefined]);
    }
  });

  it('make nothing outside of the namespace but for intercept mode’s right to follow pods', () => {
    const outside = (more: Partial<HelperOptions> = {}) =>
      manifestOf(more)
        .filter(({ kind, metadata }) => kind !== 'Namespace' && metadata?.namespace === undefined)
        .map(({ kind }) => kind);
    expect(outside()).toEqual([]);
    expect(outside(intercept)).toEqual(['ClusterRole', 'ClusterRoleBinding']);
  });
});

describe('intercept mode', () => {
  it('runs the agent with the settings', () => {
    expect(templateOf(intercept).containers[0]!.command).toEqual(agentCommand(intercept.settings!));
    expect(agentCommand(intercept.settings!).join(' ')).toContain(
      'agent --exclude-namespaces kube-system,infra --on-miss delete --backend nft',
    );
  });

  it('mounts each directory once, whichever node named it, and makes only our own', () => {
    const { volumes } = templateOf({
      ...intercept,
      directories: { confDirs: ['/etc/cni/net.d/', '/etc/cni/net.d'], binDirs: ['/opt/cni/bin', '/opt/cni-bin'] },
    });
    const names = volumes.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    const made = volumes.filter(({ hostPath }) => hostPath?.type === 'DirectoryOrCreate');
    expect(made.map(({ hostPath }) => hostPath?.path)).toEqual(['/var/lib/meshloom', '/run/meshloom', '/var/lib/cni']);
  });

  it('tells volumes apart whose paths look alike', () => {
    const { volumes } = templateOf({
      ...intercept,
      directories: { confDirs: ['/a/b-c'], binDirs: ['/a-b/c', '/a/b/c'] },
    });
    expect(new Set(volumes.map(({ name }) => name)).size).toBe(volumes.length);
  });

  it('refuses to mount the system, whatever a node says', () => {
    for (const path of ['/', '/etc', '/proc/1/root', 'etc/cni', '/etc/../root', '/var/lib', '/a\nb', '', '/etc//cni'])
      expect(() => usableDirectories({ confDirs: [path], binDirs: [] }), path).toThrow(RangeError);
    // k3d keeps its plugins there.
    expect(usableDirectories({ confDirs: ['/etc/cni/net.d'], binDirs: ['/bin'] }).binDirs).toEqual(['/bin']);
  });

  it('says in its preview what it is, and shows programs as sizes', () => {
    const target = { context: 'kind-mesh', namespace: 'meshloom-system', mode: 'intercept' } as const;
    const text = printPreview(manifestOf(intercept), manifestRights('intercept', intercept), target);
    expect(text).toContain('Intercept mode');
    expect(text).not.toContain('a service-account token, a port');
    expect(text).toMatch(/meshloom-cni-x64: \W*1 bytes/);
    expect(text).toContain('pods: get, list, watch, delete');
  });
});
