import type { ValueFormat } from './annotation-values.ts';

export type Carrier = 'annotation' | 'label';

/** One annotation or label that Istio knows. Sample: the annotation `traffic.sidecar.istio.io/kubevirtInterfaces`. */
export interface CatalogueEntry {
  name: string;
  carrier: Carrier;
  status: 'Alpha' | 'Beta' | 'Stable';
  deprecated: boolean;
  /** What took its place: `{ carrier: 'annotation', name: 'istio.io/reroute-virtual-interfaces' }`. */
  replacedBy?: { carrier: Carrier; name: string };
  /** Written by Istio itself or for its developers; not offered in completion. */
  hidden: boolean;
  /** Kinds whose metadata it belongs on: `['Pod']`; `Any` means every kind. */
  resources: readonly string[];
  /** The format that the injector enforces (`interface-list`); absent: it takes any text. */
  format?: ValueFormat;
}
