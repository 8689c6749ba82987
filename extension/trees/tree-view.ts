import * as vscode from 'vscode';
import { toTooltip, toTreeItem } from './to-tree-item.ts';
import type { TooltipLine, TreeNode } from './tree-node.ts';
import type { StoreChange } from './tree-store.ts';

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
  readonly dispose: () => void;
  readonly view: vscode.TreeView<TreeNode>;
  refresh(nodes?: TreeNode[]): void;
}

/**
 * Shows a tree in the view of that id.
 * @param notesOn what stands at the end of a node's tooltip, from elsewhere.
 */
export function createTreeView(
  id: string,
  tree: Tree,
  onChildren: () => void,
  notesOn: (node: TreeNode) => TooltipLine[] = () => [],
): MeshTreeView {
  const changed = new vscode.EventEmitter<TreeNode | TreeNode[] | undefined>();
  const provider: vscode.TreeDataProvider<TreeNode> = {
    onDidChangeTreeData: changed.event,
    getTreeItem: toTreeItem,
    getChildren: async (node) => {
      const children = await (node ? node.children() : tree.roots());
      onChildren();
      return children;
    },
    getParent: (node) => tree.parentOf?.(node),
    resolveTreeItem: async (item, node) => {
      await node.prepareTooltip?.();
      item.tooltip = toTooltip(node, notesOn(node));
      return item;
    },
  };
  const view = vscode.window.createTreeView(id, { treeDataProvider: provider, showCollapseAll: true });
  return {
    view,
    refresh: (nodes) => {
      if (!nodes) changed.fire(undefined);
      else if (nodes.length > 0) changed.fire(nodes);
    },
    dispose: () => {
      view.dispose();
      changed.dispose();
    },
  };
}
