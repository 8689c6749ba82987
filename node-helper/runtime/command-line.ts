/** The node's container runtimes and kubelets among its processes, with how each was started. */
import { attempt } from '../failure.ts';
import type { Host } from '../host.ts';
import { isContained, type NodeProcess } from '../processes.ts';

export type RuntimeProgram = 'containerd' | 'crio' | 'cri-dockerd' | 'dockerd' | 'kubelet' | 'k3s';

export interface RuntimeProcess {
  pid: number;
  program: RuntimeProgram;
  /** Its own name, `rke2`, and its arguments. */
  argv: string[];
  /** Prefix below which its files are seen. */
  root: string;
}

/** By the name that the kernel shows, of at most 15 characters. k3s, RKE2, MicroK8s and k0s are kubelets, too. */
const programs: Record<string, RuntimeProgram> = {
  containerd: 'containerd',
  crio: 'crio',
  'cri-o': 'crio',
  'cri-dockerd': 'cri-dockerd',
  dockerd: 'dockerd',
  kubelet: 'kubelet',
  hyperkube: 'kubelet',
  kubelite: 'kubelet',
  'k3s-server': 'k3s',
  'k3s-agent': 'k3s',
  k3s: 'k3s',
  'rke2-server': 'k3s',
  'rke2-agent': 'k3s',
  rke2: 'k3s',
};

/** Those of a pod (a cluster inside of one) do not count; those of a container (kind's nodes) come after the host's own. */
export function listRuntimeProcesses(host: Host, processes: readonly NodeProcess[]): RuntimeProcess[] {
  return processes
    .filter(({ cgroup }) => !cgroup.includes('kubepods'))
    .sort((a, b) => Number(isContained(a.cgroup)) - Number(isContained(b.cgroup)))
    .flatMap(({ pid }) => {
      const comm = attempt(() => host.read(`${host.proc}/${pid}/comm`))?.trim() ?? '';
      const program = Object.hasOwn(programs, comm) ? programs[comm] : undefined;
      if (!program) return [];
      const argv = attempt(() => host.read(`${host.proc}/${pid}/cmdline`, 256 * 1024))?.split('\0') ?? [];
      if (argv.at(-1) === '') argv.pop();
      return [{ pid, program, argv, root: `${host.proc}/${pid}/root` }];
    });
}

/**
 * The value of an option, however it is written: `--address=X`, `--address X`, `-address X`, `-a X`; the last one counts.
 * @param names without dashes.
 */
export function optionOf({ argv }: Pick<RuntimeProcess, 'argv'>, ...names: string[]): string | undefined {
  for (let i = argv.length - 1; i > 0; i--) {
    const [, name = '', , inline] = /^--?([^=]+)(=([\s\S]*))?$/.exec(argv[i]!) ?? [];
    if (!names.includes(name)) continue;
    if (inline !== undefined) return inline;
    const next = argv[i + 1];
    if (next !== undefined && !next.startsWith('-')) return next;
  }
  return undefined;
}

/** `unix:///run/x.sock`, `unix:/run/x.sock` or a plain path → the path. Undefined for what is no Unix socket. */
export function socketPath(endpoint: string | undefined): string | undefined {
  if (!endpoint) return undefined;
  const path = endpoint.replace(/^unix:(?:\/\/)?/, '');
  return path.startsWith('/') ? path : undefined;
}

/** What kubelet was told of its runtime, in its arguments or its configuration file. */
export function runtimeEndpoint(host: Host, kubelet: RuntimeProcess): string | undefined {
  const given = socketPath(optionOf(kubelet, 'container-runtime-endpoint'));
  if (given) return given;
  const file = optionOf(kubelet, 'config');
  if (!file?.startsWith('/')) return undefined;
  const text = attempt(() => host.read(`${kubelet.root}${file}`, 1024 * 1024)) ?? '';
  // KubeletConfiguration, YAML or JSON: one value on one line, of which nothing else is wanted.
  return socketPath(/^[\s{,]*"?containerRuntimeEndpoint"?\s*:\s*["']?([^\s"',}]+)/m.exec(text)?.[1]);
}
