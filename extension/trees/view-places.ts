import * as vscode from 'vscode';
import { viewIds } from '../ids.ts';
import type { TreeNode } from './tree-node.ts';

type Provider = Omit<vscode.TreeDataProvider<TreeNode>, 'onDidChangeTreeData'>;

/** A view of the side bar that nothing fills yet: who looks at it has the rest of the extension opened. */
export class ViewPlace {
  readonly view: vscode.TreeView<TreeNode>;
  readonly #changed = new vscode.EventEmitter<TreeNode | TreeNode[] | undefined>();
  #provider: Provider | undefined;

  /** @param open resolves when the place was filled. */
  constructor(id: string, open: () => Promise<unknown>) {
    const provider = async () => {
      if (!this.#provider) await open();
      return this.#provider!;
    };
    this.view = vscode.window.createTreeView(id, {
      showCollapseAll: true,
      treeDataProvider: {
        onDidChangeTreeData: this.#changed.event,
        getChildren: async (node) => (await provider()).getChildren(node),
        // Nobody has a node before the place was filled.
        getTreeItem: (node) => this.#provider!.getTreeItem(node),
        getParent: (node) => this.#provider?.getParent?.(node),
        resolveTreeItem: (item, node, token) => this.#provider?.resolveTreeItem?.(item, node, token),
      },
    });
  }

  fill(provider: Provider): void {
    this.#provider = provider;
  }

  /** Has the editor ask for the children of these nodes again, or for everything. */
  refresh(nodes?: TreeNode[]): void {
    if (!nodes) this.#changed.fire(undefined);
    else if (nodes.length > 0) this.#changed.fire(nodes);
  }

  dispose(): void {
    this.view.dispose();
    this.#changed.dispose();
  }
}

export type ViewPlaces = Record<'workloads' | 'cniChain' | 'mesh', ViewPlace>;

/** The three views of the mesh, empty. */
export function offerViews(open: () => Promise<unknown>): ViewPlaces {
  const { workloads, cniChain, mesh } = viewIds;
  return {
    workloads: new ViewPlace(workloads, open),
    cniChain: new ViewPlace(cniChain, open),
    mesh: new ViewPlace(mesh, open),
  };
}
