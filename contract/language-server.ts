/** What the editor's side and the language server tell each other beyond the Language Server Protocol. */

/** Sent once, as `initializationOptions`. */
export interface LanguageServerOptions {
  /** l10n bundle: English text → the user's language. Absent for English. */
  strings?: Record<string, string>;
  settings?: LanguageServerSettings;
}

/** The `meshloom.analysis.*` settings. */
export interface LanguageServerSettings {
  /** `strict`: what the files do not define is wrong. `lenient`: it may live elsewhere. */
  strictness?: 'strict' | 'lenient';
  /** Globs, relative to a workspace folder, that are not analysed. */
  exclude?: string[];
  /** Code lenses above workloads (`meshloom.codeLens.enabled`). Default true. */
  codeLens?: boolean;
}

/** The command that a workload's code lens runs; the argument of the editor's command `meshloom.showIptables`. */
export interface WorkloadReference {
  kind: string;
  namespace: string;
  name: string;
}

/** Asked of the server: what is wrong in one file, as soon as all that was read has been judged. */
export const findingsRequest = 'meshloom/findings';

export interface FindingsRequest {
  /** Of a file that is open in the editor or lies in one of its folders. */
  uri: string;
}

/** One finding as other programs read it: the same from `meshloom analyze --format json`. The shape only grows. */
export interface FindingJson {
  /** Istio's (`IST0101`) where Istio has one, else `ML…`. */
  code: string;
  level: 'error' | 'warning' | 'info';
  message: string;
  resource?: { kind: string; namespace: string; name: string };
  /** With `IST0101`: what is missing, e.g. `host`. */
  refType?: string;
  file: string;
  range: RangeJson;
  docs: string;
  related: { file: string; range: RangeJson; message: string }[];
  /** Titles of the quick fixes. */
  fixes: string[];
  rule?: string;
}

/** Lines and characters start at 0. */
export interface RangeJson {
  start: { line: number; character: number };
  end: { line: number; character: number };
}

export interface FindingsReply {
  /** Sorted by place; absent: the server does not read this file. */
  findings?: FindingJson[];
}

/** Asked of the server: the objects that the files of the window define, those that are being typed included. */
export const objectsRequest = 'meshloom/objects';

export interface ObjectsRequest {
  /** Names as `kind` has them; one that is served by several groups is given for all. */
  kinds: string[];
  /** A place in a file, to learn which object stands there. Lines start at 0. */
  at?: { uri: string; line: number };
}

export interface ObjectsReply {
  /** As JSON, each with its namespace; patches of a kustomization are left out. */
  objects: Record<string, unknown>[];
  /** The one around {@link ObjectsRequest.at}, whatever its kind. */
  at?: { apiVersion: string; kind: string; namespace: string; name: string };
}
