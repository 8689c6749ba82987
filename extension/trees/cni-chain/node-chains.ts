import type { CniChain } from '../../../mesh/cni/read-chain.ts';
import type { CniFile, NodeHelperReply, ReadCniResult } from '../../../contract/node-helper.ts';
import { ClusterFailure } from '../../cluster/cluster.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { asFailure } from '../../cluster/follow.ts';
import { helperMark } from './helper-mark.ts';
import { chainOf, withReading } from './read-node-chain.ts';
import type { TreeStore } from '../store/tree-store.ts';

/** Asks the helper on a node; rejects with an error named `HelperMissing` when there is none. */
export type ReadCni = (
  cluster: Cluster,
  node: string,
  signal: AbortSignal,
) => Promise<{ reply: NodeHelperReply<'read-cni'> }>;

/** What the helper told of a node: its chain, that there is no helper, or why it did not answer. */
export type NodeReading =
  | { state: 'read'; chain: CniChain; result: ReadCniResult }
  /** `why`: in words; tells of a helper that is there but does not run, too. */
  | { state: 'no-helper'; why: string }
  | { state: 'failed'; failure: ClusterFailure };

/**
 * The nodes' chains as their helpers read them, each read once when it is first asked for and again when the helper's
 * pod on that node has changed or the user refreshes.
 */
export class NodeChains {
  readonly #store: TreeStore;
  readonly #read: ReadCni;
  readonly #readings = new Map<
    string,
    { helper: string; reading: Promise<NodeReading>; done?: NodeReading; abort: AbortController }
  >();

  /** Files as they were read before, also before a refresh; of this cluster only. */
  readonly #earlier = new Map<string, CniFile[][]>();

  constructor(store: TreeStore, read: ReadCni) {
    this.#store = store;
    this.#read = read;
  }

  async of(node: string): Promise<NodeReading> {
    const helper = helperMark(this.#store, node);
    const known = this.#readings.get(node);
    if (known?.helper === helper) return known.reading;
    known?.abort.abort();
    const abort = new AbortController();
    const entry: { helper: string; reading: Promise<NodeReading>; done?: NodeReading; abort: AbortController } = {
      helper,
      abort,
      reading: this.#ask(node, abort.signal).then((reading) => (entry.done = reading)),
    };
    this.#readings.set(node, entry);
    return entry.reading;
  }

  /** What has been read already; asks nobody. */
  known(node: string): NodeReading | undefined {
    return this.#readings.get(node)?.done;
  }

  /** The nodes whose helper has come, gone or been replaced since they were read. */
  outdated(): string[] {
    return [...this.#readings]
      .filter(([node, { helper }]) => helper !== helperMark(this.#store, node))
      .map(([node]) => node);
  }

  /** Reads anew when asked next. @param startOver what was read is of another cluster, or from before we wrote there ourselves. */
  forget({ startOver = false } = {}): void {
    for (const { abort } of this.#readings.values()) abort.abort();
    this.#readings.clear();
    if (startOver) this.#earlier.clear();
  }

  async #ask(node: string, signal: AbortSignal): Promise<NodeReading> {
    const { cluster } = this.#store;
    if (!cluster) return { state: 'no-helper', why: '' };
    try {
      const { reply } = await this.#read(cluster, node, signal);
      if (!reply.ok)
        return {
          state: 'failed',
          failure: new ClusterFailure('unexpected', reply.error.message, reply.error.hint ?? ''),
        };
      const { result } = reply;
      const { containerRuntimeVersion } = this.#store.tables.nodes.get('', node)?.status?.nodeInfo ?? {};
      const earlier = this.#earlier.get(node) ?? [];
      this.#earlier.set(node, withReading(earlier, result.files));
      return {
        state: 'read',
        result,
        chain: chainOf(result, { containerRuntimeVersion, earlier, now: this.#store.now() }),
      };
    } catch (error) {
      if (error instanceof Error && error.name === 'HelperMissing') return { state: 'no-helper', why: error.message };
      return { state: 'failed', failure: asFailure(error) };
    }
  }
}
