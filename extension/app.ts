import type * as vscode from 'vscode';
import type { Clusters } from './cluster/clusters.ts';
import type { LanguageSupport } from './language-support.ts';
import type { LayerHub } from './live-layer/layer-hub.ts';

/** What a command or a tree is handed: the few things that live as long as the extension. */
export interface App {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  /** The chosen cluster and the way to it. Connects when first asked, never before. */
  readonly clusters: Clusters;
  /** What the connected cluster holds, on its way to the language server. */
  readonly layer: LayerHub;
  /** The language server, which knows the files of the window. */
  readonly language: LanguageSupport;
}
