/**
 * Whether the recorded node's runtime can give a pod a network: told by its files and by what its plugins speak, as they are
 * now. Words are the runtime's.
 */
import { loadable } from '../../mesh/cni/cni-plan.ts';
import { parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import type { CniFile } from '../../contract/node-helper.ts';
import type { RecordedNode } from './recording.ts';

const listeners = new WeakMap<RecordedNode, Set<() => void>>();

/** Calls back whenever the node's configuration has changed. @returns the function that ends it. */
export function onNetworkChange(node: RecordedNode, listener: () => void): () => void {
  const known = listeners.get(node) ?? new Set();
  listeners.set(node, known.add(listener));
  return () => known.delete(listener);
}

/** Puts other files into the node's directory, and lets its runtime notice. */
export function writeConfiguration(node: RecordedNode, files: CniFile[]): void {
  node.files = files;
  const error = findNetworkError(node);
  if (error === undefined) delete node.podNetworkError;
  else node.podNetworkError = error;
  for (const listener of listeners.get(node) ?? []) listener();
}

/** Why no pod gets a network, with `{verb}` for `add` or `delete`; undefined: it works. */
export function findNetworkError({ files, plugins, binDirs }: RecordedNode): string | undefined {
  const [first] = loadable(files);
  const list = first && parseCniFile(first).list;
  if (!list) return 'cni plugin not initialized';
  for (const { type, name } of list.plugins) {
    const probe = plugins.find((plugin) => plugin.type === type);
    if (!probe?.path) return `failed to find plugin "${type}" in path [${binDirs.join(' ')}]`;
    if (probe.supportedVersions && !probe.supportedVersions.includes(list.cniVersion)) {
      const spoken = probe.supportedVersions.map((version) => `"${version}"`).join(' ');
      return `plugin type="${type}" name="${name ?? list.name}" failed ({verb}): incompatible CNI versions; config is "${list.cniVersion}", plugin supports [${spoken}]`;
    }
  }
  return undefined;
}
