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
