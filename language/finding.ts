import type { Located, Range } from './located.ts';

export type Severity = 'error' | 'warning' | 'info';

export interface TextEdit {
  uri: string;
  range: Range;
  newText: string;
}

/** A change that leaves nothing of the finding to fix. */
export interface QuickFix {
  /** What it does, as the light bulb shows it. */
  title: string;
  /** Asked for when the user looks; see edits.ts for the usual ones. */
  edits: () => TextEdit[];
  /** The one to take when several are offered. */
  preferred?: boolean;
}

/** Something a person should know about a value. */
export interface Finding {
  at: Located;
  /** What happens, why, what to do, with the user's own names. */
  message: string;
  /** When it differs from its rule's. */
  severity?: Severity;
  code?: string;
  /** Of `IST0101`: what is missing, e.g. `gateway`. */
  refType?: string;
  /** Other places that have part in it. */
  related?: { at: Located; message: string }[];
  fixes?: QuickFix[];
}

/** A finding on a value; `more` may carry fixes, related places, a reference type. */
export function finding(at: Located, message: string, more: Omit<Finding, 'at' | 'message'> = {}): Finding {
  return { at, message, ...more };
}
