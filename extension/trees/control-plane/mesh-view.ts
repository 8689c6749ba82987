import type { MeshModel } from '../store/mesh-model.ts';
import type { openMesh } from './open-mesh.ts';
import type { TooltipLine, TreeNode } from '../tree-node.ts';
import type { StoreChange, TreeStore } from '../store/tree-store.ts';
import type { Tree } from '../tree-view.ts';

/** A tooltip that comes later than this comes to nobody, in milliseconds. */
const patienceMs = 1_500;

type OpenMesh = ReturnType<typeof openMesh>;

/** The tree of control planes and policies; what it thinks with is loaded when it is first looked at. */
export class MeshView implements Tree {
  readonly #load: () => Promise<OpenMesh>;
  #mesh: OpenMesh | undefined;
  #loading: Promise<OpenMesh> | undefined;
  #wanted = false;

  /** @param onChange when policies have changed. */
  constructor(store: TreeStore, model: MeshModel, onChange: () => void) {
    this.#load = async () => (await import('../../inspection.ts')).openMesh(store, model, onChange);
  }

  async roots(): Promise<TreeNode[]> {
    return (await this.#open()).tree.roots();
  }

  async #open(): Promise<OpenMesh> {
    this.#loading ??= this.#load();
    this.#mesh = await this.#loading;
    if (this.#wanted) this.#mesh.policies.start();
    return this.#mesh;
  }

  /** @returns none as long as nobody has looked. */
  stale(change: StoreChange): TreeNode[] | undefined {
    return this.#mesh ? this.#mesh.tree.stale(change) : [];
  }

  problems(): number {
    return this.#mesh?.tree.problems() ?? 0;
  }

  /**
   * What the policies say about a node of another tree, for the end of its tooltip. They are followed from the first time
   * that somebody asks, and while a tree is looked at; the first answer waits for them, but not for long.
   */
  async notesOn(node: TreeNode): Promise<TooltipLine[]> {
    if (!node.flags.some((flag) => flag === 'pod' || flag === 'workload')) return [];
    const { policies, notesOn } = await this.#open();
    await policies.whenSettled(patienceMs);
    return notesOn(node);
  }

  /** Some tree is looked at, or none is. */
  follow(isLookedAt: boolean): void {
    this.#wanted = isLookedAt;
    if (isLookedAt) this.#mesh?.policies.start();
    else this.#mesh?.policies.stop();
  }

  /** Asks the cluster again; what is shown stays until then. */
  refresh(): void {
    this.#mesh?.policies.refresh();
  }

  /** Another cluster. */
  reset(): void {
    this.#mesh?.policies.reset();
  }

  dispose(): void {
    this.#wanted = false;
    this.#mesh?.policies.dispose();
  }
}
