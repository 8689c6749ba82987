/** What can be wrong with the files of a CNI directory: those that do not load, and those that hide each other. */
import * as l10n from '@vscode/l10n';
import { type ChainProblem, chainProblem, type CniRuntime } from './cni-chain.ts';
import type { CniHazardCode } from './hazards.ts';
import {
  type CniFileFault,
  type CniFileProblem,
  type CniFileText,
  type CniNetworkList,
  type CniPluginEntry,
  type ParsedCniFile,
  parseCniFile,
} from './parse-cni-file.ts';
import { isStandalone } from './plugin-problems.ts';
import { pluginRole } from './plugin-roles.ts';

/**
 * Faults in the files that the runtime reaches: up to and including the one in force. Later ones do no harm yet.
 * @param atOnce how many files containerd loads.
 */
export function fileProblems(
  parsed: ParsedCniFile[],
  chosen: ParsedCniFile | undefined,
  runtime: CniRuntime,
  atOnce = 1,
): ChainProblem[] {
  const reached = runtime === 'containerd' ? atOnce - 1 : chosen ? parsed.indexOf(chosen) : parsed.length - 1;
  return parsed.flatMap((file, index) =>
    file.problems.map((fault) => {
      const blocks = fault.blocksLoading && index < atOnce && runtime === 'containerd';
      return chainProblem(
        codeOfFault[fault.fault],
        index <= reached && (blocks || !fault.blocksLoading || !chosen) ? 'error' : 'warning',
        consequence(fault, file, blocks ? index : undefined, index < reached),
        {
          file: file.name,
        },
      );
    }),
  );
}

/** @param blocks its place, where it keeps containerd from loading any. */
function consequence(
  fault: CniFileProblem,
  file: ParsedCniFile,
  blocks: number | undefined,
  steppedOver: boolean,
): string {
  if (blocks !== undefined && blocks > 0)
    return `${fault.message} ${l10n.t('containerd is told to load several files (“max_conf_num”), and loads none at all when one of them cannot be read: the node turns NotReady and no pod starts.')}`;
  if (blocks === 0) {
    return `${fault.message} ${l10n.t('It is the first file of the directory, and containerd then loads none at all: the node turns NotReady and no pod starts, whatever the other files say.')}`;
  }
  if (fault.blocksLoading && steppedOver) {
    return `${fault.message} ${l10n.t('The runtime steps over “{0}” without a word and uses the next file.', file.name)}`;
  }
  return fault.message;
}

const codeOfFault: Record<CniFileFault, CniHazardCode> = {
  unreadable: 'ML2015',
  'byte-order-mark': 'ML2004',
  json: 'ML2004',
  'list-in-conf': 'ML2005',
  'conf-in-list': 'ML2005',
  'no-type': 'ML2004',
  'no-plugins': 'ML2004',
  folder: 'ML2029',
  'no-name': 'ML2010',
  'bad-name': 'ML2010',
  'bad-field': 'ML2004',
};

/** Files behind the one in force. One that a delegating plugin (Multus) reads itself, and a lone `loopback`, are no problem. */
export function shadowProblems(parsed: ParsedCniFile[], chosen: ParsedCniFile | undefined): ChainProblem[] {
  if (!chosen?.list) return [];
  const { plugins } = chosen.list;
  const delegates = plugins.some(({ type }) => pluginRole(type) === 'meta');
  const chainedMeshes = plugins.flatMap(({ type, delegates: called }) => [type, ...called]).filter(isMesh);
  return parsed
    .slice(parsed.indexOf(chosen) + 1)
    .filter((file) => !isReferenced(file, plugins) && !isCopied(file, plugins) && !isLoopback(file))
    .filter((file) => !isMergedCopy(chosen, file))
    .flatMap((file) => {
      const mesh = meshPluginOf(file);
      const copy = copyOf(file, plugins);
      if (copy) return [staleCopy(file, chosen, copy)];
      if (mesh && isStandalone(file)) return standalone(file, chosen, mesh, delegates, chainedMeshes.includes(mesh));
      const chained = chainedMeshes.length > 0;
      // Which networks a delegating plugin takes may stand elsewhere (a resource in the cluster): then nobody knows here.
      const isTwin = stemOf(file) === stemOf(chosen);
      const surprise = isTwin || !readsBefore(file.name, chosen.name) ? [] : [surprisingOrder(file, chosen)];
      if (mesh && !chained && isTwin && chosen.list?.plugins[0]?.type === 'galaxy-sdn')
        return [galaxyIsBack(file, chosen, mesh)];
      if (mesh && !chained && (!delegates || isTwin)) return [shadowedMesh(file, chosen, mesh), ...surprise];
      if (isTwin) return [twin(file, chosen)];
      return surprise.length > 0 ? surprise : [shadowed(file, chosen)];
    });
}

function shadowedMesh(file: ParsedCniFile, chosen: ParsedCniFile, mesh: string): ChainProblem {
  const message = l10n.t(
    '“{0}” is in force, so “{1}” with the mesh’s plugin “{2}” is not: new pods start without redirect rules.',
    chosen.name,
    file.name,
    mesh,
  );
  return chainProblem('ML2007', 'error', message, { plugin: mesh, file: file.name });
}

function galaxyIsBack(file: ParsedCniFile, chosen: ParsedCniFile, mesh: string): ChainProblem {
  const message = l10n.t(
    '“{0}” is there again beside “{1}”, and comes first: the mesh’s plugin “{2}” runs for no new pod. Galaxy’s own pods copy that file whenever they start.',
    chosen.name,
    file.name,
    mesh,
  );
  return chainProblem('ML2034', 'error', message, { plugin: mesh, file: file.name });
}

/** A delegating plugin calls such a file by its network's name: behind the file in force is where it belongs. */
function standalone(
  file: ParsedCniFile,
  chosen: ParsedCniFile,
  mesh: string,
  delegates: boolean,
  chained: boolean,
): ChainProblem[] {
  const about = { plugin: mesh, file: file.name };
  if (chained) {
    const message = l10n.t(
      '“{0}” chains “{1}”, and “{2}” offers it stand-alone: pods that ask for it by their annotation get it twice.',
      chosen.name,
      mesh,
      file.name,
    );
    return [chainProblem('ML2036', 'warning', message, about)];
  }
  if (delegates) return [];
  const message = l10n.t(
    '“{0}” offers “{1}” stand-alone, but nothing in “{2}”, which is in force, calls other networks: new pods start without redirect rules.',
    file.name,
    mesh,
    chosen.name,
  );
  return [chainProblem('ML2036', 'error', message, about)];
}

function surprisingOrder(file: ParsedCniFile, chosen: ParsedCniFile): ChainProblem {
  const message = l10n.t(
    '“{0}” reads as if it came before “{1}”, but byte by byte it comes after: it is not used.',
    file.name,
    chosen.name,
  );
  return chainProblem('ML2031', 'warning', message, { file: file.name });
}

/** As a person orders names: numbers by their value, capital and small letters alike. */
function readsBefore(a: string, b: string): boolean {
  const numberOf = (name: string) => /^\d+/.exec(name)?.[0];
  const [left, right] = [numberOf(a), numberOf(b)];
  if (left !== undefined && right !== undefined && Number(left) !== Number(right)) return Number(left) < Number(right);
  const [small, other] = [a.toLowerCase(), b.toLowerCase()];
  return small < other && a.slice(0, 1) !== b.slice(0, 1);
}

function twin(file: ParsedCniFile, chosen: ParsedCniFile): ChainProblem {
  const message = l10n.t(
    '“{0}” and “{1}” stand side by side; “{0}” is in force, because it comes first in byte order.',
    chosen.name,
    file.name,
  );
  return chainProblem('ML2006', 'warning', message, { file: file.name });
}

function shadowed(file: ParsedCniFile, chosen: ParsedCniFile): ChainProblem {
  const message = l10n.t('“{0}” is not used: “{1}” comes before it in byte order.', file.name, chosen.name);
  return chainProblem('ML2007', 'warning', message, { file: file.name });
}

function meshPluginOf({ list }: ParsedCniFile): string | undefined {
  return list?.plugins.find(({ type }) => isMesh(type))?.type;
}

function isMesh(type: string): boolean {
  return pluginRole(type) === 'mesh';
}

function isLoopback({ list }: ParsedCniFile): boolean {
  return list !== undefined && list.plugins.every(({ type }) => type === 'loopback');
}

/** Multus names its networks by file (`clusterNetwork: "/host/etc/cni/net.d/10-calico.conflist"`) or by network name. */
function isReferenced({ name, list }: ParsedCniFile, plugins: readonly CniPluginEntry[]): boolean {
  return plugins.some(({ config: { clusterNetwork, defaultNetworks } }) =>
    [clusterNetwork, ...(Array.isArray(defaultNetworks) ? defaultNetworks : [])].some(
      (reference) =>
        typeof reference === 'string' && (reference.split('/').at(-1) === name || reference === list?.name),
    ),
  );
}

/**
 * Istio's installer can leave the network's own file alone and put a merged copy before it (`istioOwnedCNIConfig`,
 * `02-istio-cni.conflist`): the same network with the same plugins, and `istio-cni` after them. It follows every change of the
 * file within a second, as long as its pod runs.
 */
export function isMergedCopy(chosen: ParsedCniFile, of: ParsedCniFile): boolean {
  if (!chosen.list || !of.list || chosen.list.name !== of.list.name) return false;
  const types = new Set(chosen.list.plugins.map(({ type }) => type));
  return (
    types.has('istio-cni') && meshPluginOf(of) !== 'istio-cni' && of.list.plugins.every(({ type }) => types.has(type))
  );
}

/** Multus' own pod copies the first file of others into `delegates`: that file is in use, as long as the copy is up to date. */
function isCopied(file: ParsedCniFile, plugins: readonly CniPluginEntry[]): boolean {
  const copy = copyOf(file, plugins);
  return copy !== undefined && typesOf(copy) === typesOf(file.list!);
}

/** The network of the same name that stands whole in a delegating plugin's configuration, and begins as the file's does. */
function copyOf({ list }: ParsedCniFile, plugins: readonly CniPluginEntry[]): CniNetworkList | undefined {
  if (!list || list.name === '') return undefined;
  const copies = plugins.flatMap(({ config: { delegates } }): unknown[] => (Array.isArray(delegates) ? delegates : []));
  return copies
    .flatMap((copy) => {
      const isList = typeof copy === 'object' && copy !== null && 'plugins' in copy;
      return parseCniFile({ name: isList ? 'copy.conflist' : 'copy.conf', content: JSON.stringify(copy) }).list ?? [];
    })
    .find(({ name, plugins: [first] }) => name === list.name && first?.type === list.plugins[0]?.type);
}

function typesOf({ plugins }: CniNetworkList): string {
  return plugins.map(({ type }) => type).join(', ');
}

function staleCopy(file: ParsedCniFile, chosen: ParsedCniFile, copy: CniNetworkList): ChainProblem {
  const mesh = meshPluginOf(file);
  const isLost = mesh !== undefined && !copy.plugins.some(({ type }) => type === mesh);
  const message = l10n.t(
    '“{0}” runs a copy of the network “{1}” with the plugins {2}; “{3}”, from which it was copied, has {4} now.',
    ...[chosen.name, copy.name, typesOf(copy), file.name, typesOf(file.list!)],
  );
  const consequence = isLost
    ? l10n.t('The mesh’s plugin “{0}” runs for no pod: new pods start without redirect rules.', mesh)
    : l10n.t('When Multus’ pod starts again, it copies that file, and what stands in the copy alone is gone.');
  const about = { file: file.name, ...(isLost && { plugin: mesh }) };
  return chainProblem('ML2039', isLost ? 'error' : 'warning', `${message} ${consequence}`, about);
}

function stemOf({ name }: ParsedCniFile): string {
  return name.replace(/\.(conf|conflist|json)$/, '');
}

/** Names that no runtime loads, but that tell what happened here. */
export function otherFileProblems(files: readonly CniFileText[], list: CniNetworkList | undefined): ChainProblem[] {
  const chained = list?.plugins.some(({ type }) => type === 'istio-cni') ?? false;
  return files.flatMap(({ name }) => {
    if (name.endsWith('.cilium_bak')) {
      return [
        chainProblem(
          'ML2014',
          'warning',
          l10n.t(
            'Cilium has put “{0}” out of force: in exclusive mode it renames every other configuration, a mesh’s too.',
            name,
          ),
          { file: name },
        ),
      ];
    }
    if (name.endsWith('istio-cni-kubeconfig') && list && !chained) {
      return [
        chainProblem(
          'ML2017',
          'warning',
          l10n.t(
            '“{0}” is left over from an istio-cni that is no longer in the chain; it holds a credential for the API server.',
            name,
          ),
          { file: name },
        ),
      ];
    }
    return [];
  });
}

/** @param cached networks with which pods of this node were connected, by libcni's cache. */
export function noConfiguration(cached: readonly string[] = []): ChainProblem {
  if (cached.length > 0) {
    return chainProblem(
      'ML2032',
      'error',
      l10n.t(
        'The directory holds no configuration, although pods of this node were connected to {0}: it was there and is gone. No pod starts until it is back.',
        cached.map((name) => `“${name}”`).join(', '),
      ),
    );
  }
  return chainProblem(
    'ML2011',
    'error',
    l10n.t(
      'The directory holds no “.conf”, “.conflist” or “.json”: the runtime reports the network as not ready, and no pod starts on this node.',
    ),
  );
}
