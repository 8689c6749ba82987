/** What the CNI library inside a container runtime understands, by the runtime's release. */
import type { CniRuntime, RuntimeFacts } from './cni-chain.ts';
import type { CniLibrary } from './parse-cni-file.ts';

/** By the program that reads the directory: `crio` → `cri-o`. Undefined: none that we know. */
export function runtimeOfProgram(program: string | undefined): CniRuntime | undefined {
  switch (program) {
    case 'containerd':
      return 'containerd';
    case 'crio':
      return 'cri-o';
    case 'cri-dockerd':
    case 'kubelet':
      return 'docker';
    default:
      return undefined;
  }
}

/** Undefined when the release is not known. */
export function libraryOf(runtime: RuntimeFacts | undefined): CniLibrary | undefined {
  if (runtime?.program === 'kubelet' || runtime?.program === 'cri-dockerd') return '1.1';
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(runtime?.version ?? '') ?? [];
  if (!runtime || major === undefined) return undefined;
  const release = Number(major) * 1000 + Number(minor);
  if (runtime.program === 'containerd') return release < 2000 ? '1.1' : release < 2001 ? '1.2' : '1.3';
  if (runtime.program === 'crio') return release < 1030 ? '1.1' : release < 1034 ? '1.2' : '1.3';
  return undefined;
}

/** The newest version whose results the library reads. */
export function newestVersionOf(library: CniLibrary): string {
  return library === '1.1' ? '1.0.0' : '1.1.0';
}
