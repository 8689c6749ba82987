import * as l10n from '@vscode/l10n';
import type * as vscode from 'vscode';
import { MessageNode } from './message-node.ts';
import { toTooltip, toTreeItem } from './to-tree-item.ts';
import type { TooltipLine, TreeNode } from './tree-node.ts';
import type { StoreChange } from './store/tree-store.ts';
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

/** Of which cluster a tree is. */
export interface Source {
  /** The chosen one. */
  readonly chosen: { readonly id: string; readonly name: string };
  /** Whether it has answered, or was found not to. */
  readonly isSettled: boolean;
  whenSettled(): Promise<void>;
}

/**
 * Shows a tree in a view. The editor keeps rows until it is told others: those of another cluster go at once, or they would
 * stand under the name of the one that is chosen now, and commands on them would go there.
 * @param notesOn what stands at the end of a node's tooltip, from elsewhere.
 */
export function showTree(
  place: ViewPlace,
  tree: Tree,
  source: Source,
  onChildren: () => void,
  notesOn: (node: TreeNode) => TooltipLine[] | Promise<TooltipLine[]> = () => [],
): MeshTreeView {
  let shown: string | undefined;
  const roots = async () => {
    const { id, name } = source.chosen;
    if (shown !== undefined && shown !== id && !source.isSettled) {
      shown = undefined;
      void source.whenSettled().then(() => place.refresh());
      return [new MessageNode('reading', { label: l10n.t('Reading {0}…', name), icon: 'loading~spin', tone: 'quiet' })];
    }
    const nodes = await tree.roots();
    shown = source.chosen.id;
    return nodes;
  };
  place.fill({
    getTreeItem: toTreeItem,
    getChildren: async (node) => {
      const children = await (node ? node.children() : roots());
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
