import {
  clusterChangeNotification,
  clusterNotification,
  clusterPieceNotification,
  clusterSeenNotification,
} from '../../contract/cluster-layer.ts';
import type { ClusterChange, ClusterPiece, ClusterSnapshot } from '../../contract/cluster-layer.ts';
import type { LayerReceiver } from './live-layer.ts';

type Send = (method: string, value: unknown) => void;

/** A message is made a text in one go, and keys wait for it: so many objects take a few milliseconds. */
const pieceSize = 250;

/** Between the layer and the language server, which starts when the first manifest is opened: before or after a cluster is there. */
export class LayerHub implements LayerReceiver {
  /** Set by the layer: tells everything again. */
  onDidAttach: (() => void) | undefined;
  #send: Send | undefined;
  /** What is still to be told, in this order. */
  #waiting: { method: string; value: unknown }[] = [];

  /** A language server listens from now on. */
  attach(send: Send): { dispose(): void } {
    this.#waiting = [];
    this.#send = send;
    this.onDidAttach?.();
    return {
      dispose: () => {
        this.#waiting = [];
        this.#send = undefined;
      },
    };
  }

  /** In pieces, where it is large. */
  snapshot(snapshot: ClusterSnapshot | undefined): void {
    // It takes the place of all that was told before, and of what was going to be.
    this.#waiting = [];
    const { resources = [] } = snapshot ?? {};
    const last = Math.max(0, Math.ceil(resources.length / pieceSize) - 1) * pieceSize;
    for (let at = 0; at < last; at += pieceSize) {
      const piece: ClusterPiece = { resources: resources.slice(at, at + pieceSize), isFirst: at === 0 };
      this.#tell(clusterPieceNotification, piece);
    }
    this.#tell(clusterNotification, snapshot ? { ...snapshot, resources: resources.slice(last) } : null);
  }

  change(change: ClusterChange): void {
    this.#tell(clusterChangeNotification, change);
  }

  /** Since when nobody follows the cluster; undefined: it is followed. */
  seen(asOf: number | undefined): void {
    this.#tell(clusterSeenNotification, asOf ?? null);
  }

  /** At once, or after what waits. */
  #tell(method: string, value: unknown): void {
    if (!this.#send) return;
    this.#waiting.push({ method, value });
    if (this.#waiting.length === 1) this.#sendNext();
  }

  #sendNext(): void {
    const [next] = this.#waiting;
    if (!next) return;
    this.#send?.(next.method, next.value);
    const told = this.#waiting;
    // The next one when others had their turn; the one that was sent stands at the head until then.
    setImmediate(() => {
      if (told !== this.#waiting) return;
      told.shift();
      this.#sendNext();
    });
  }
}
