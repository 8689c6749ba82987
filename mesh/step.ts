/**
 * Reasons instead of booleans: a decision is the list of the steps that led to it, in the order in which the deciding
 * program takes them; the last one decided. Tooltips, hovers, webviews and the terminal only render them.
 */
export interface Step<Verdict extends string = 'continue' | 'inject' | 'skip' | 'reject'> {
  /** What was looked at: `host-network`, `namespace`, `label`, … */
  check: string;
  /** The value found there, as it was written; absent when there was none. */
  value?: string;
  verdict: Verdict;
  /** A sentence with the user's own names in it. */
  says: string;
  /** The field in which the value stands; absent for a default. */
  source?: StepSource;
}

/** The field of an object that a value was read from, so that who has its text can show the place. */
export interface StepSource {
  /** `Pod` is the pod that was asked about; it may be a template in a workload. */
  kind:
    | 'Pod'
    | 'Namespace'
    | 'MutatingWebhookConfiguration'
    | 'ConfigMap'
    | 'PeerAuthentication'
    | 'DestinationRule'
    | 'Service';
  /** Where it is, when that is not told by the pod. */
  namespace?: string;
  /** Which object of that kind; absent for the pod. */
  name?: string;
  /** `['metadata', 'labels', 'istio-injection']` */
  path: readonly (string | number)[];
  /** The field's text is JSON or YAML, and the value stands behind this key in it: `autoInject`. */
  within?: string;
}
