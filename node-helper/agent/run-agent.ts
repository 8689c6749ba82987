/**
 * The agent of the CNI plugin: answers its calls through a socket, knows the node's pods, looks after those that were
 * missed, and writes down what it did. It ends when it is told to, and not because of one bad pod, file or neighbour.
 */
import { type FSWatcher, mkdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import { agentFiles, type AgentSettings, type AgentStatus } from '../../contract/cni-plugin.ts';
import { attempt } from '../failure.ts';
import { lookAround } from '../find-pod.ts';
import type { Host } from '../host.ts';
import { newToolbox } from '../plugin/toolbox.ts';
import type { CniCall, CniReply, PluginWorld, PodRecords } from '../plugin/types.ts';
import type { ApiServer } from './api-server.ts';
import { dropGoneRecords } from './drop-gone-records.ts';
import { giveBackMemory } from './give-back-memory.ts';
import { readMissedNotes, removeMissedNote } from './missed-notes.ts';
import { type NodePods, nodePods } from './node-pods.ts';
import { answers, type OwnSocket, takeSocket } from './own-socket.ts';
import { recordStore, removeHalfWritten } from './record-store.ts';
import type { Repairer } from './repair-missed.ts';
import { type CallServer, serveCalls, type ServeLimits } from './serve-calls.ts';
import { identityOf, writeStatus } from './status-file.ts';
import type { WatchPace } from './watch-pods.ts';

export interface AgentParts {
  host: Host;
  settings: AgentSettings;
  /** As we see it. */
  directory: string;
  api: ApiServer | undefined;
  answer(world: PluginWorld, call: CniCall): Promise<CniReply>;
  repairer(world: PluginWorld, pods: NodePods, notes: Notes, log: Log): Repairer;
  log: Log;
  limits?: ServeLimits;
  pace?: Partial<AgentPace>;
}

export type Log = (line: string) => void;
export interface Notes {
  list(): ReturnType<typeof readMissedNotes>;
  remove(containerId: string): void;
}

/** Milliseconds. */
export interface AgentPace {
  /** Between two looks at whether the socket is still ours, or has become free. */
  socket: number;
  /** Between two writings of the status at most. */
  status: number;
  /** Between two looks for notes, should the kernel not have told of one. */
  notes: number;
  /** Between two looks at all pods, and for records of sandboxes that are gone. */
  pods: number;
  /** From something new to the look at it. */
  settle: number;
  /** Without anything to do for so long the agent tidies up. */
  idle: number;
  /** For calls that are being answered when the agent ends. */
  farewell: number;
  watch: Partial<WatchPace>;
}

const usualPace: AgentPace = {
  ...{ socket: 1_000, status: 25_000, notes: 5_000, pods: 60_000, settle: 100, idle: 5_000, farewell: 600 },
  watch: {},
};

/** Until the signal says so. */
export async function runAgent(parts: AgentParts, signal: AbortSignal): Promise<void> {
  const pace = { ...usualPace, ...parts.pace };
  await new Agent(parts, pace, signal).run();
}

class Agent {
  readonly #parts: AgentParts;
  readonly #pace: AgentPace;
  readonly #signal: AbortSignal;
  readonly #directory: string;
  readonly #since = new Date().toISOString();
  readonly #records: PodRecords;
  readonly #pods: NodePods;
  readonly #world: PluginWorld;
  readonly #repairer: Repairer;
  readonly #timers: NodeJS.Timeout[] = [];
  #calls: CallServer | undefined;
  #socket: OwnSocket | undefined;
  #notesWatch: { of: string | undefined; watcher: FSWatcher } | undefined;
  #soon: NodeJS.Timeout | undefined;
  #statusDue = true;
  /** When something was done last; undefined: it is tidied up behind it. */
  #busyAt: number | undefined = performance.now();

  constructor(parts: AgentParts, pace: AgentPace, signal: AbortSignal) {
    const { host, settings, directory, api, log } = parts;
    this.#parts = parts;
    this.#pace = pace;
    this.#signal = signal;
    this.#directory = directory;
    // What cannot be made now, on a disk that is full or read-only, is tried again later.
    attempt(() => mkdirSync(directory, { recursive: true, mode: 0o755 }));
    for (const name of [agentFiles.pods, agentFiles.missed])
      attempt(() => mkdirSync(join(directory, name), { recursive: true, mode: 0o700 }));
    removeHalfWritten(directory);
    removeHalfWritten(join(directory, agentFiles.pods));
    this.#records = recordStore(host, join(directory, agentFiles.pods), log);
    this.#pods = nodePods({
      api,
      node: host.node,
      pace: pace.watch,
      onChange: () => this.#lookSoon(),
      onState: ({ connected, why }) => {
        this.#statusDue = true;
        log(
          connected
            ? `knows the pods of node ${host.node}`
            : `does not know the pods of node ${host.node}: ${why ?? ''}`,
        );
      },
    });
    this.#world = {
      host,
      settings,
      findPod: (ids) => this.#pods.find(ids),
      records: this.#records,
      toolbox: newToolbox(),
      time: () => new Date().toISOString(),
    };
    const notes: Notes = {
      list: () => readMissedNotes(host, this.#path(agentFiles.missed)),
      remove: (containerId) => removeMissedNote(this.#path(agentFiles.missed), containerId),
    };
    this.#repairer = parts.repairer(this.#world, this.#pods, notes, log);
  }

  async run(): Promise<void> {
    try {
      await this.#holdSocket();
    } finally {
      for (const timer of this.#timers) clearInterval(timer);
      clearTimeout(this.#soon);
      this.#notesWatch?.watcher.close();
      this.#pods.close();
    }
  }

  /** Waits for the name, serves as long as it has it, and waits again when another took it. */
  async #holdSocket(): Promise<void> {
    const { log } = this.#parts;
    const path = this.#path(agentFiles.socket);
    let said = '';
    const say = (line: string) => {
      if (line !== said) log(line);
      said = line;
    };
    let begun = false;
    while (!this.#signal.aborted) {
      if (await answers(path)) say('another agent answers on this node: this one waits');
      else {
        try {
          await this.#serve(path);
          say(`answers on ${path}`);
          if (!begun) this.#begin();
          begun = true;
          this.#statusDue = true;
          await this.#whileOurs();
          if (this.#signal.aborted) break;
          say('the socket is not this agent’s any more');
        } catch (error) {
          say(`could not take ${path}: ${(error as Error).message}`);
        }
        await this.#leave();
      }
      await this.#pause(this.#pace.socket);
    }
    await this.#leave();
  }

  async #serve(path: string): Promise<void> {
    const { answer, log, limits } = this.#parts;
    const perform = async (call: CniCall) => {
      this.#busyAt = performance.now();
      const reply = await answer(this.#world, call);
      // Who was missed and is gone needs nothing any more.
      if (call.env['CNI_COMMAND'] === 'DEL')
        removeMissedNote(this.#path(agentFiles.missed), call.env['CNI_CONTAINERID'] ?? '');
      return reply;
    };
    this.#calls = serveCalls(perform, log, limits);
    this.#socket = await takeSocket(this.#calls.server, path);
  }

  async #whileOurs(): Promise<void> {
    while (!this.#signal.aborted && this.#socket?.isOurs()) await this.#pause(this.#pace.socket);
  }

  async #leave(): Promise<void> {
    const [socket, calls] = [this.#socket, this.#calls];
    [this.#socket, this.#calls] = [undefined, undefined];
    socket?.release();
    await calls?.close(this.#pace.farewell);
  }

  /** What is done beside the calls; held back while another agent does it. */
  #begin(): void {
    const every = (ms: number, work: () => void) =>
      this.#timers.push(
        setInterval(() => {
          if (this.#socket) work();
        }, ms),
      );
    every(this.#pace.notes, () => {
      this.#watchNotes();
      if (readMissedNotes(this.#parts.host, this.#path(agentFiles.missed)).length > 0) this.#lookSoon();
    });
    every(this.#pace.pods, () => {
      removeHalfWritten(this.#path(agentFiles.missed), 60_000);
      dropGoneRecords(this.#world, () => lookAround(this.#parts.host));
      this.#lookSoon();
    });
    every(1_000, () => {
      if (this.#busyAt === undefined || this.#calls?.busy() !== 0) return;
      if (performance.now() - this.#busyAt < this.#pace.idle) return;
      this.#busyAt = undefined;
      giveBackMemory();
    });
    let written = -Infinity;
    every(Math.min(1_000, this.#pace.status), () => {
      const now = performance.now();
      if (!this.#statusDue && now - written < this.#pace.status) return;
      this.#statusDue = false;
      written = now;
      this.#writeStatus();
    });
    this.#watchNotes();
    this.#writeStatus();
    this.#lookSoon();
  }

  /** The directory may be taken away and made anew: then that one is watched. */
  #watchNotes(): void {
    const path = this.#path(agentFiles.missed);
    const of = identityOf(path);
    if (this.#notesWatch?.of === of) return;
    this.#notesWatch?.watcher.close();
    this.#notesWatch = attempt(() => {
      mkdirSync(path, { recursive: true, mode: 0o700 });
      const watcher = watch(path, { persistent: false }, () => this.#lookSoon());
      // Without it the slow look has to do.
      watcher.on('error', () => undefined);
      return { of: identityOf(path), watcher };
    });
  }

  #lookSoon(): void {
    if (this.#soon || !this.#socket) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      if (!this.#socket) return;
      this.#repairer.run().catch((error: unknown) => this.#parts.log(`repairing failed: ${String(error)}`));
    }, this.#pace.settle);
  }

  #writeStatus(): void {
    const { host, settings } = this.#parts;
    const { connected, why } = this.#pods.state();
    const status: AgentStatus = {
      pid: process.pid,
      since: this.#since,
      aliveAt: new Date().toISOString(),
      version: host.identity.version,
      settings,
      api: { connected, ...(why !== undefined && { why }) },
      memory: process.memoryUsage.rss(),
    };
    attempt(() => writeStatus(this.#directory, status));
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#signal.addEventListener('abort', done);
      if (this.#signal.aborted) done();
    });
  }
}
