import type { MeshModel } from '../store/mesh-model.ts';
import { MeshTree } from './mesh-tree.ts';
import { mtlsNote } from './mtls-note.ts';
import { PolicyWatch } from './policy-watch.ts';
import type { TooltipLine, TreeNode } from '../tree-node.ts';
import type { TreeStore } from '../store/tree-store.ts';

/** The mesh's tree with the policies that it follows. */
export function openMesh(
  store: TreeStore,
  model: MeshModel,
  onChange: () => void,
): { tree: MeshTree; policies: PolicyWatch; notesOn: (node: TreeNode) => TooltipLine[] } {
  const policies = new PolicyWatch(store, onChange);
  return {
    tree: new MeshTree(store, model, policies),
    policies,
    notesOn: (node) => mtlsNote(node, model, policies),
  };
}
