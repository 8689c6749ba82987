import {
  clusterChangeNotification,
  clusterNotification,
  clusterSeenNotification,
} from '../../contract/cluster-layer.ts';
import type { ClusterChange, ClusterSnapshot } from '../../contract/cluster-layer.ts';
import type { LayerReceiver } from './live-layer.ts';

type Send = (method: string, value: unknown) => void;

/** Between the layer and the language server, which starts when the first manifest is opened: before or after a cluster is there. */
export class LayerHub implements LayerReceiver {
  /** Set by the layer: tells everything again. */
  onDidAttach: (() => void) | undefined;
  #send: Send | undefined;

  /** A language server listens from now on. */
  attach(send: Send): { dispose(): void } {
    this.#send = send;
    this.onDidAttach?.();
    return { dispose: () => (this.#send = undefined) };
  }

  snapshot(snapshot: ClusterSnapshot | undefined): void {
    this.#send?.(clusterNotification, snapshot ?? null);
  }

  change(change: ClusterChange): void {
    this.#send?.(clusterChangeNotification, change);
  }

  /** Since when nobody follows the cluster; undefined: it is followed. */
  seen(asOf: number | undefined): void {
    this.#send?.(clusterSeenNotification, asOf ?? null);
  }
}
