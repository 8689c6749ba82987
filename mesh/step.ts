/**
 * Reasons instead of booleans: a decision is the list of the steps that led to it, in the order in which the deciding
 * program takes them; the last one decided. Tooltips, hovers, webviews and the terminal only render them.
 */
export interface Step {
  /** What was looked at: `host-network`, `namespace`, `label`, … */
  check: string;
  /** The value found there, as it was written; absent when there was none. */
  value?: string;
  verdict: 'continue' | 'inject' | 'skip' | 'reject';
  /** A sentence with the user's own names in it. */
  says: string;
}
