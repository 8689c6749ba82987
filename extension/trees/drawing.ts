import type { TreeNode } from './tree-node.ts';
import { mergeChanges, type StoreChange } from './store/tree-store.ts';

/** Of the time, no more than this part is spent on drawing while changes stream in. */
const share = 0.1;
/** In milliseconds; who watches a roll-out wants to see it move. */
const longestPause = 2_000;

/**
 * Draws what changed: the first change at once, those that come while it is drawn together afterwards, and the longer a
 * drawing takes, the rarer. Ten thousand pods in motion then cost little more than ten.
 * @param prepare computes what the drawing needs, in pieces.
 * @param draw shows it.
 */
export function createDrawing(
  prepare: () => Promise<void>,
  draw: (change: StoreChange) => void | Promise<void>,
): (change: StoreChange) => Promise<void> {
  let pending: StoreChange | undefined;
  let running: Promise<void> | undefined;
  const drawAll = async () => {
    while (pending) {
      const begin = performance.now();
      await prepare();
      const change = pending;
      pending = undefined;
      await draw(change);
      const pauseMs = Math.min(longestPause, (performance.now() - begin) * (1 / share - 1));
      // Even a short one is worth nothing to somebody who waits for a single change.
      if (pauseMs > 50) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  return (change) => {
    pending = pending ? mergeChanges(pending, change) : change;
    running ??= drawAll().finally(() => (running = undefined));
    return running;
  };
}

/** A view with what it shows. */
export interface DrawnView {
  readonly view: { readonly visible: boolean };
  readonly tree: { stale(change: StoreChange): TreeNode[] | undefined };
  refresh(nodes?: TreeNode[]): void;
}

/**
 * Draws a change in the views that somebody sees. For the others nothing is computed: they catch up, with all that they
 * missed at once, when they are drawn the next time that they are seen.
 */
export function drawVisible(views: readonly DrawnView[]): (change: StoreChange) => void {
  const missed = new Map<DrawnView, StoreChange>();
  return (change) => {
    for (const each of views) {
      const before = missed.get(each);
      const all = before ? mergeChanges(before, change) : change;
      if (each.view.visible) {
        missed.delete(each);
        each.refresh(each.tree.stale(all));
      } else missed.set(each, all);
    }
  };
}
