import type * as vscode from 'vscode';
import { toTooltip, toTreeItem } from './to-tree-item.ts';
import type { TooltipLine, TreeNode } from './tree-node.ts';
import type { StoreChange } from './tree-store.ts';
import type { ViewPlace } from './view-places.ts';

/** A tree without the editor: its top, what a change makes stale, and how many problems it has. */
export interface Tree {
  roots(): Promise<TreeNode[]>;
  /** Undefined: the whole tree. */
  stale(change: StoreChange): TreeNode[] | undefined;
  problems(): number;
  /** What a node stands under; needed to reveal it. */
  parentOf?(node: TreeNode): TreeNode | undefined;
}

/** A tree in the editor. */
export interface MeshTreeView {
  readonly tree: Tree;
  readonly view: vscode.TreeView<TreeNode>;
  refresh(nodes?: TreeNode[]): void;
}

/**
 * Shows a tree in a view.
 * @param notesOn what stands at the end of a node's tooltip, from elsewhere.
 */
export function showTree(
  place: ViewPlace,
  tree: Tree,
  onChildren: () => void,
  notesOn: (node: TreeNode) => TooltipLine[] | Promise<TooltipLine[]> = () => [],
): MeshTreeView {
  place.fill({
    getTreeItem: toTreeItem,
    getChildren: async (node) => {
      const children = await (node ? node.children() : tree.roots());
      onChildren();
      return children;
    },
    getParent: (node) => tree.parentOf?.(node),
    resolveTreeItem: async (item, node) => {
      await node.prepareTooltip?.();
      item.tooltip = toTooltip(node, await notesOn(node));
      return item;
    },
  });
  return { tree, view: place.view, refresh: (nodes) => place.refresh(nodes) };
}
