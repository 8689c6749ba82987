/** Where the distributions of Kubernetes keep CNI, for a node whose runtime tells nothing. */
import type { RuntimeCni } from '../../contract/node-helper.ts';
import { attempt } from '../failure.ts';
import { resolveInRoot } from '../host-files.ts';
import type { Host } from '../host.ts';

export type CniPlaces = Pick<RuntimeCni, 'confDir' | 'binDirs'>;

export const defaultPlaces: CniPlaces = { confDir: '/etc/cni/net.d', binDirs: ['/opt/cni/bin'] };

/** Most particular first; the common place last. */
const places: CniPlaces[] = [
  {
    confDir: '/var/lib/rancher/k3s/agent/etc/cni/net.d',
    binDirs: ['/var/lib/rancher/k3s/data/cni', '/var/lib/rancher/k3s/data/current/bin'],
  },
  { confDir: '/var/snap/microk8s/current/args/cni-network', binDirs: ['/var/snap/microk8s/current/opt/cni/bin'] },
  { confDir: '/etc/kubernetes/cni/net.d', binDirs: ['/var/lib/cni/bin', '/usr/libexec/cni'] },
  {
    confDir: '/etc/cni/net.d',
    binDirs: ['/opt/cni/bin', '/home/kubernetes/bin', '/usr/libexec/cni', '/usr/lib/cni', '/usr/lib/cni/bin'],
  },
];

/** The first configuration directory that holds a configuration, with those of its binary directories that are there. */
export function findUsualPlaces(host: Host, roots: readonly string[]): CniPlaces | undefined {
  for (const { confDir, binDirs } of places) {
    for (const root of roots) {
      const names = attempt(() => host.list(resolveInRoot(host, root, confDir)));
      if (!names?.some((name) => /\.(conf|conflist|json)$/.test(name))) continue;
      return { confDir, binDirs: existingOf(host, roots, binDirs) };
    }
  }
  return undefined;
}

/** Those of the directories that are there; the first when none is. */
export function existingOf(host: Host, roots: readonly string[], directories: readonly string[]): string[] {
  const found = directories.filter((directory) =>
    roots.some((root) => attempt(() => host.list(resolveInRoot(host, root, directory))) !== undefined),
  );
  return found.length > 0 ? found : directories.slice(0, 1);
}
