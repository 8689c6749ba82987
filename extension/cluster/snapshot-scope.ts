/** In which namespaces a snapshot reads what may not be read, or is not wanted, of the whole cluster. */
import { inVersion } from './analysis-types.ts';
import type { AnalysisType } from './analysis-types.ts';
import { resourceTypes } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { findReadableNamespaces } from './readable-namespaces.ts';
import type { Scope } from './readable-namespaces.ts';

/** Each is read once for each kind, so there may be more than can be followed. */
const mostNamespaces = 50;

/** @param chosen by the user; none: what of the cluster may be read. @param listed all that there are; empty: unknown. */
export class SnapshotScope {
  readonly #cluster: Cluster;
  readonly #chosen: readonly string[];
  readonly #listed: readonly string[];
  readonly #signal: AbortSignal;
  #ofPods: Promise<Scope | undefined> | undefined;
  readonly #used = new Set<string>();

  constructor(
    cluster: Cluster,
    options: { chosen: readonly string[]; listed: readonly string[]; signal: AbortSignal },
  ) {
    this.#cluster = cluster;
    this.#chosen = options.chosen;
    this.#listed = options.listed;
    this.#signal = options.signal;
  }

  /** Whether the user wants no more than some namespaces. */
  get isChosen(): boolean {
    return this.#chosen.length > 0;
  }

  /** All namespaces in which something was read by itself. */
  get used(): string[] {
    return [...this.#used].sort();
  }

  /**
   * Where a kind may be read that may not be read everywhere. Who may not read all pods is asked about pods once, for every
   * kind; who may lacks the right to this kind alone.
   */
  async of(type: AnalysisType): Promise<Scope> {
    const scope = this.isChosen
      ? ({ namespaces: this.#chosen, from: 'chosen', unasked: 0 } as const)
      : ((await (this.#ofPods ??= this.#askOfPods())) ?? (await this.#ask(inVersion(type, type.versions[0]!))));
    for (const name of scope.namespaces) this.#used.add(name);
    return scope;
  }

  /** Undefined: pods may be read everywhere. */
  async #askOfPods(): Promise<Scope | undefined> {
    const everywhere = await this.#cluster.mayList(resourceTypes.pods, '', { signal: this.#signal }).catch(() => false);
    return everywhere ? undefined : await this.#ask(resourceTypes.pods);
  }

  #ask(type: typeof resourceTypes.pods): Promise<Scope> {
    return findReadableNamespaces(this.#cluster, this.#listed, { signal: this.#signal, type, most: mostNamespaces });
  }
}
