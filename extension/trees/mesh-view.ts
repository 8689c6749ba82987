import type { MeshModel } from './mesh-model.ts';
import type { PolicyWatch } from './policy-watch.ts';
import type { TreeNode } from './tree-node.ts';
import type { StoreChange, TreeStore } from './tree-store.ts';
import type { Tree } from './tree-view.ts';

/** The tree of control planes and policies; what it thinks with is loaded when it is first looked at. */
export class MeshView implements Tree {
  readonly #load: () => Promise<Tree>;
  #tree: Tree | undefined;

  constructor(store: TreeStore, model: MeshModel, policies: PolicyWatch) {
    this.#load = async () => {
      const { MeshTree } = await import('../inspection.ts');
      return new MeshTree(store, model, policies);
    };
  }

  async roots(): Promise<TreeNode[]> {
    this.#tree ??= await this.#load();
    return this.#tree.roots();
  }

  /** @returns none as long as nobody has looked. */
  stale(change: StoreChange): TreeNode[] | undefined {
    return this.#tree ? this.#tree.stale(change) : [];
  }

  problems(): number {
    return this.#tree?.problems() ?? 0;
  }
}
