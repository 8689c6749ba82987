import { helperNamespace } from '../../node-helper/manifest.ts';
import type { TreeStore } from '../store/tree-store.ts';

/** Tells one helper pod of a node from the next, and ready from not; empty when there is none. */
export function helperMark(store: TreeStore, node: string): string {
  const marks: string[] = [];
  for (const { metadata, spec, status } of store.tables.pods.in(helperNamespace)) {
    if (spec?.nodeName !== node) continue;
    const ready = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True');
    marks.push(`${metadata?.uid ?? ''} ${ready && !metadata?.deletionTimestamp ? 'ready' : ''}`);
  }
  return marks.sort().join(' ');
}
