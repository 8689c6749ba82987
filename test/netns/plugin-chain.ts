/** Runs a list of CNI plugins as libcni does: ADD in order with the result handed down, DEL in reverse. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export interface Entry {
  type: string;
  [key: string]: unknown;
}

export interface ChainPlace {
  /** Directories of plugins. */
  programs: string[];
  /** In which the plugins run, as on a node. */
  nodeNetns: string;
  podNetns: string;
}

/** @param work where the leases are kept. */
export function bridgeEntry(work: string): Entry {
  const ipam = { type: 'host-local', subnet: '10.87.0.0/16', dataDir: join(work, 'leases') };
  return { type: 'bridge', bridge: 'mlpbr0', ipam };
}

/** @param work where agent and plugin meet. */
export function ourEntry(work: string): Entry {
  return { type: 'meshloom-cni', socket: join(work, 'agent.sock'), directory: join(work, 'run') };
}

export class PluginChain {
  readonly #place: ChainPlace;
  readonly #version: string;
  readonly #plugins: Entry[];
  /** Of the last ADD, as the runtime keeps it. */
  result: string | undefined;

  constructor(place: ChainPlace, version: string, plugins: Entry[]) {
    this.#place = place;
    this.#version = version;
    this.#plugins = plugins;
  }

  async add(pod: string): Promise<string> {
    this.result = undefined;
    for (const plugin of this.#plugins) this.result = await this.#call('ADD', plugin, pod);
    return this.result ?? '';
  }

  async check(pod: string): Promise<void> {
    for (const plugin of this.#plugins) await this.#call('CHECK', plugin, pod);
  }

  async del(pod: string): Promise<void> {
    for (const plugin of [...this.#plugins].reverse()) await this.#call('DEL', plugin, pod);
  }

  #call(command: string, plugin: Entry, pod: string): Promise<string> {
    const { programs, nodeNetns, podNetns } = this.#place;
    const config = JSON.stringify({ name: 'pods', cniVersion: this.#version, ...plugin });
    // DEL gets the result since 0.4.0.
    const isHanded = this.result !== undefined && (command !== 'DEL' || this.#version >= '0.4');
    const program = programs.map((directory) => join(directory, plugin.type)).find((path) => existsSync(path)) ?? '';
    const child = spawn('nsenter', [`--net=/run/netns/${nodeNetns}`, '--', program], {
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: `sandbox-${pod}-${podNetns}`,
        CNI_NETNS: `/run/netns/${podNetns}`,
        CNI_IFNAME: 'eth0',
        CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${pod}`,
        CNI_PATH: programs.join(':'),
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stdin.end(isHanded ? `${config.slice(0, -1)},"prevResult":${this.result}}` : config);
    return new Promise((resolve, reject) =>
      child.on('close', (code) =>
        code === 0 ? resolve(output) : reject(new Error(`${plugin.type} ${command}: ${output}`)),
      ),
    );
  }
}
