/**
 * Which CNI directories the node's container runtime uses, and how its last reading of them went. Best source first: what
 * it says itself over its socket, its configuration, how it was started, the usual places.
 */
import type { RuntimeCni } from '../../contract/node-helper.ts';
import { attempt } from '../failure.ts';
import { resolveInRoot } from '../host-files.ts';
import type { Host, OpenFile } from '../host.ts';
import { listProcesses } from '../processes.ts';
import { realRuntimeSocket, type RuntimeSocket, type RuntimeStatus } from './ask-socket.ts';
import { listRuntimeProcesses, optionOf, runtimeEndpoint, type RuntimeProcess, socketPath } from './command-line.ts';
import {
  argumentSettings,
  type CniSettings,
  type ConfigFiles,
  crioSettings,
  readContainerdConfig,
  readCrioConfig,
} from './configuration.ts';
import { parseToml } from './parse-toml.ts';
import { defaultPlaces, existingOf, findUsualPlaces } from './usual-places.ts';

export interface RuntimeOptions {
  socket?: RuntimeSocket;
  /** What could not be learnt is said here. */
  notes?: string[];
}

/** Where runtimes listen when nobody says otherwise. */
const usualSockets = [
  '/run/containerd/containerd.sock',
  '/run/k3s/containerd/containerd.sock',
  '/run/crio/crio.sock',
  '/run/cri-dockerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
  '/run/k0s/containerd.sock',
];

interface Search extends ConfigFiles {
  processes: RuntimeProcess[];
  socket: RuntimeSocket;
}

/**
 * Asks, reads and guesses, in this order; changes nothing.
 * @returns undefined when nothing on this node looks like a container runtime with CNI.
 */
export async function describeRuntime(host: Host, options: RuntimeOptions = {}): Promise<RuntimeCni | undefined> {
  const processes = listRuntimeProcesses(host, attempt(() => listProcesses(host)) ?? []);
  const notes = options.notes ?? [];
  const roots = [...new Set([host.hostRoot, ...processes.map(({ root }) => root)])];
  const search: Search = { host, roots, notes, processes, socket: options.socket ?? realRuntimeSocket };
  // All at once: one that hangs costs no more than itself.
  const answers = await Promise.all(listSockets(search).map((candidate) => askRuntime(search, candidate)));
  const answer = answers.find((found) => typeof found !== 'string');
  if (answer) return answer;
  notes.push(...answers.filter((found) => typeof found === 'string'));
  return withoutAsking(search);
}

interface SocketCandidate {
  /** As the host names it. */
  path: string;
  /** Below which of the roots it was seen. */
  root: string;
}

/** What kubelet was told comes first: Docker's and a system's own containerd listen on nodes, too. */
function listSockets(search: Search): SocketCandidate[] {
  const { host, processes, roots } = search;
  const kubelets = processes.filter(({ program }) => program === 'kubelet' || program === 'k3s');
  const wanted = [
    ...kubelets.map((process) => ({ path: runtimeEndpoint(host, process), first: process.root })),
    ...processes.map((process) => ({ path: ownAddress(search, process), first: process.root })),
    ...usualSockets.map((path) => ({ path, first: undefined })),
  ];
  const seen = new Set<string>();
  return wanted.flatMap(({ path, first }) => {
    if (path === undefined || seen.has(path)) return [];
    seen.add(path);
    const root = [...(first === undefined ? [] : [first]), ...roots].find(
      (prefix) => attempt(() => host.facts(resolveInRoot(host, prefix, path)).kind) === 'other',
    );
    return root === undefined ? [] : [{ path, root }];
  });
}

function ownAddress(search: Search, process: RuntimeProcess): string | undefined {
  switch (process.program) {
    case 'containerd': {
      const files = { ...search, roots: [process.root, ...search.roots], notes: [] };
      return socketPath(optionOf(process, 'address', 'a') ?? readContainerdConfig(files, process).address);
    }
    case 'crio':
      return socketPath(optionOf(process, 'listen'));
    case 'cri-dockerd':
      return socketPath(optionOf(process, 'container-runtime-endpoint'));
    default:
      return undefined;
  }
}

/** @returns why not, in words, when it does not answer. */
async function askRuntime(search: Search, candidate: SocketCandidate): Promise<RuntimeCni | string> {
  const { host } = search;
  const reached = reach(host, resolveInRoot(host, candidate.root, candidate.path));
  try {
    const status = await search.socket.status(reached.path);
    return await describeAnswer(search, candidate, reached.path, status);
  } catch (error) {
    return `The container runtime was asked on ${candidate.path}, but ${(error as Error).message}.`;
  } finally {
    reached.directory?.close();
  }
}

/** The kernel takes 107 bytes for a socket's path: a longer one is reached through its open directory. */
function reach(host: Host, path: string): { path: string; directory?: OpenFile } {
  if (Buffer.byteLength(path) <= 107) return { path };
  const at = path.lastIndexOf('/');
  const directory = host.open(path.slice(0, at));
  return { path: `/proc/self/fd/${directory.fd}${path.slice(at)}`, directory };
}

async function describeAnswer(
  search: Search,
  { path }: SocketCandidate,
  reached: string,
  status: RuntimeStatus,
): Promise<RuntimeCni> {
  const program = programNames[status.name] ?? status.name;
  const process = search.processes.find(
    (candidate) =>
      candidate.program === program &&
      (search.processes.filter((other) => other.program === program).length === 1 ||
        ownAddress(search, candidate) === path),
  );
  const told = await toldSettings(search, program, reached, status);
  const read = told?.confDir && told.binDirs ? undefined : readSettings(search, program, process);
  const settings = { ...read?.settings, ...told };
  const { lastLoad, notReady } = networkState(status);
  const networks = loadedNetworks(status.info.cniconfig);
  return complete(search, {
    program,
    ...(status.version && { version: status.version }),
    source: told?.confDir ? 'status' : (read?.source ?? 'usual'),
    settings,
    ...(lastLoad !== undefined && { lastLoad }),
    ...(notReady && { notReady }),
    ...(networks && { loaded: networks.map(({ name }) => name) }),
    ...(networks && { loadedTexts: networks.map(({ text }) => text) }),
  });
}

const programNames: Record<string, string> = { 'cri-o': 'crio', docker: 'cri-dockerd' };

async function toldSettings(
  { socket, notes }: Search,
  program: string,
  path: string,
  status: RuntimeStatus,
): Promise<CniSettings | undefined> {
  if (program === 'containerd') {
    notes.push(...otherDirectories(status.info));
    return containerdTells(status.info);
  }
  if (program !== 'crio') return undefined;
  try {
    return crioSettings(parseToml(await socket.crioConfig(path)));
  } catch (error) {
    notes.push(`CRI-O was asked for its configuration, but ${(error as Error).message}.`);
    return undefined;
  }
}

/** `config` is what it runs with, `cniconfig` what its CNI library made of that. */
function containerdTells(info: Record<string, string>): CniSettings {
  const cni = fieldsOf(fieldsOf(parseJson(info.config))?.cni);
  const library = fieldsOf(parseJson(info.cniconfig));
  const confDir = textOf(library?.PluginConfDir) ?? textOf(cni?.confDir);
  const binDirs = [textsOf(library?.PluginDirs), textsOf(cni?.binDirs), textsOf([cni?.binDir])].find(
    (found) => found.length > 0,
  );
  return {
    ...(confDir && { confDir }),
    ...(binDirs && { binDirs }),
    ...(typeof cni?.maxConfNum === 'number' && { maxNetworks: cni.maxConfNum }),
  };
}

/** Pods of a runtime class may be connected by another directory than all others: Kata’s, for one. */
function otherDirectories({ config }: Record<string, string>): string[] {
  const handlers = fieldsOf(fieldsOf(fieldsOf(parseJson(config))?.containerd)?.runtimes) ?? {};
  return Object.entries(handlers).flatMap(([name, handler]) => {
    const directory = textOf(fieldsOf(handler)?.cniConfDir);
    if (directory === undefined) return [];
    return `containerd connects pods whose runtime class has the handler “${name}” by ${directory}: what is chained elsewhere does not run for them.`;
  });
}

/** `lastLoad` is empty when it went well. Who tells of the loading itself may have a plugin that is not ready, too. */
function networkState({ info, network }: RuntimeStatus): Pick<RuntimeCni, 'lastLoad' | 'notReady'> {
  const said = info.lastCNILoadStatus;
  const plain = said === undefined ? undefined : (textOf(parseJson(said)) ?? said);
  if (plain !== undefined && plain !== 'OK') return { lastLoad: plain };
  if (!network) return said === undefined ? {} : { lastLoad: '' };
  if (network.ready) return { lastLoad: '' };
  return plain === 'OK' ? { lastLoad: '', notReady: network.message } : { lastLoad: network.message };
}

/** Without the loopback that containerd always has. */
function loadedNetworks(cniconfig: string | undefined): { name: string; text: string }[] | undefined {
  const networks = fieldsOf(parseJson(cniconfig))?.Networks;
  if (!Array.isArray(networks)) return undefined;
  return networks.flatMap((network) => {
    const { IFName, Config } = fieldsOf(network) ?? {};
    const { Name, Source } = fieldsOf(Config) ?? {};
    const name = textOf(Name);
    return IFName === 'lo' || name === undefined ? [] : [{ name, text: textOf(Source) ?? '' }];
  });
}

/** Nobody answered: by what runs here, and what is on its disk. */
function withoutAsking(search: Search): RuntimeCni | undefined {
  const { processes } = search;
  const named = (program: RuntimeProcess['program']) => processes.find((process) => process.program === program);
  const shim = processes.find((process) => process.program === 'kubelet' && isDockershim(process, processes));
  const containerd = processes.find(
    (process) => process.program === 'containerd' && !readContainerdConfig({ ...search, notes: [] }, process).disabled,
  );
  const process = shim ?? named('cri-dockerd') ?? named('crio') ?? containerd ?? named('k3s');
  if (process) {
    const program = process.program === 'k3s' ? 'containerd' : process.program;
    return complete(search, {
      program,
      ...readSettings(search, program, process.program === 'k3s' ? undefined : process),
    });
  }
  const usual = findUsualPlaces(search.host, search.roots);
  const kubelet = named('kubelet');
  return usual && kubelet ? { program: 'containerd', source: 'usual', ...usual } : undefined;
}

/** Up to Kubernetes 1.23 kubelet itself called the plugins, for Docker. */
function isDockershim(kubelet: RuntimeProcess, processes: readonly RuntimeProcess[]): boolean {
  if (optionOf(kubelet, 'container-runtime') === 'remote') return false;
  const asked = ['network-plugin', 'cni-conf-dir', 'cni-bin-dir'].some((name) => optionOf(kubelet, name) !== undefined);
  return (
    asked && !optionOf(kubelet, 'container-runtime-endpoint') && processes.some(({ program }) => program === 'dockerd')
  );
}

interface Settings {
  source: RuntimeCni['source'];
  settings: CniSettings;
}

function readSettings(search: Search, program: string, process: RuntimeProcess | undefined): Settings {
  const files: ConfigFiles = { ...search, roots: [...new Set([...(process ? [process.root] : []), ...search.roots])] };
  if (program === 'containerd' || program === 'crio') {
    const settings = program === 'crio' ? readCrioConfig(files, process) : readContainerdConfig(files, process);
    return { source: settings.confDir ? 'configuration' : 'usual', settings };
  }
  const settings = process ? argumentSettings(process) : {};
  return { source: settings.confDir ? 'arguments' : 'usual', settings };
}

function complete(
  { host, roots }: Search,
  { settings, ...about }: Omit<RuntimeCni, 'confDir' | 'binDirs'> & { settings: CniSettings },
): RuntimeCni {
  const usual = settings.confDir ? undefined : findUsualPlaces(host, roots);
  const { defaultNetwork, maxNetworks } = settings;
  const binDirs = settings.binDirs ?? usual?.binDirs ?? existingOf(host, roots, defaultPlaces.binDirs);
  return {
    ...about,
    confDir: plainPath(settings.confDir ?? usual?.confDir ?? defaultPlaces.confDir),
    binDirs: binDirs.map(plainPath),
    ...(defaultNetwork && { defaultNetwork }),
    ...(maxNetworks !== undefined && { maxNetworks }),
  };
}

/** `/etc/cni/net.d/` → `/etc/cni/net.d`. */
function plainPath(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

function parseJson(text: string | undefined): unknown {
  return text === undefined ? undefined : attempt(() => JSON.parse(text) as unknown);
}

function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.flatMap((item) => textOf(item) ?? []) : [];
}
