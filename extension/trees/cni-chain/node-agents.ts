import type { PodRecord, ReadAgentResult } from '../../../contract/cni-plugin.ts';
import type { NodeHelperReply } from '../../../contract/node-helper.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { findRecord } from './agent-words.ts';
import { helperMark } from './helper-mark.ts';
import type { TreeStore } from '../store/tree-store.ts';

/** Asks the helper on a node what the CNI plugin's agent did there. */
export type ReadAgent = (
  cluster: Cluster,
  node: string,
  signal: AbortSignal,
) => Promise<{ reply: NodeHelperReply<'read-agent'> }>;

/** `old`: the helper there does not know the question yet. */
export type AgentReading =
  | { state: 'read'; result: ReadAgentResult }
  | { state: 'no-helper' }
  | { state: 'old' }
  | { state: 'failed'; why: string };

/** How long an answer holds, in milliseconds: many pods of a node are looked at together, and no node is asked twice a second. */
const freshness = 10_000;

/** How long a tree waits for an answer before it shows itself without, in milliseconds. */
const patience = 2_000;

interface Entry {
  helper: string;
  at: number;
  reading: Promise<AgentReading>;
  done?: AgentReading;
  abort: AbortController;
}

/**
 * What the agents of the nodes did with their pods. A node is asked when somebody unfolds it or one of its pods, never by
 * itself; a node without a helper is not asked at all.
 */
export class NodeAgents {
  readonly #store: TreeStore;
  readonly #read: ReadAgent;
  readonly #readings = new Map<string, Entry>();

  constructor(store: TreeStore, read: ReadAgent) {
    this.#store = store;
    this.#read = read;
  }

  async of(node: string): Promise<AgentReading> {
    const helper = helperMark(this.#store, node);
    if (helper === '') return { state: 'no-helper' };
    const known = this.#readings.get(node);
    if (known && this.#isFresh(node, known)) return known.reading;
    known?.abort.abort();
    const abort = new AbortController();
    const entry: Entry = {
      helper,
      at: this.#store.now(),
      abort,
      reading: this.#ask(node, abort.signal).then((reading) => (entry.done = reading)),
    };
    this.#readings.set(node, entry);
    return entry.reading;
  }

  /**
   * Until the node's agent has been asked, but not for long: a node that is slow holds up no tree.
   * @returns undefined when there is nothing to wait for.
   */
  ready(node: string | undefined): Promise<void> | undefined {
    if (node === undefined || helperMark(this.#store, node) === '') return undefined;
    const known = this.#readings.get(node);
    if (known?.done && this.#isFresh(node, known)) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patience);
      void this.of(node).then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** What has been read already; asks nobody. */
  known(node: string): AgentReading | undefined {
    return this.#readings.get(node)?.done;
  }

  /** What was read of a pod already; asks nobody. */
  knownRecord(
    node: string | undefined,
    pod: { uid?: string; namespace?: string; name?: string },
  ): PodRecord | undefined {
    const done = node === undefined ? undefined : this.known(node);
    return done?.state === 'read' ? findRecord(done.result.records, pod) : undefined;
  }

  #isFresh(node: string, { helper, at }: Entry): boolean {
    return helper === helperMark(this.#store, node) && this.#store.now() - at < freshness;
  }

  forget(): void {
    for (const { abort } of this.#readings.values()) abort.abort();
    this.#readings.clear();
  }

  async #ask(node: string, signal: AbortSignal): Promise<AgentReading> {
    const { cluster } = this.#store;
    if (!cluster) return { state: 'no-helper' };
    try {
      const { reply } = await this.#read(cluster, node, signal);
      if (reply.ok) return { state: 'read', result: reply.result };
      return reply.error.code === 'unknown-verb' ? { state: 'old' } : { state: 'failed', why: reply.error.message };
    } catch (error) {
      if (error instanceof Error && error.name === 'HelperMissing') return { state: 'no-helper' };
      return { state: 'failed', why: error instanceof Error ? error.message : String(error) };
    }
  }
}
