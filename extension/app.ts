import type * as vscode from 'vscode';
import type { Clusters } from './cluster/clusters.ts';
import type { WebviewType } from './ids.ts';
import type { LanguageSupport } from './language-support.ts';
import type { LayerHub } from './live-layer/layer-hub.ts';
import type { OpenTool } from './tools/open-tool.ts';
import type { ViewPlaces } from './trees/view-places.ts';

/** What is there from activation on: enough to notice that somebody wants something. */
export interface Activation {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  /** What the connected cluster holds, on its way to the language server. */
  readonly layer: LayerHub;
  /** The language server, which knows the files of the window. */
  readonly language: LanguageSupport;
  /** The views in the side bar, filled when the rest is opened. */
  readonly views: ViewPlaces;
}

/** What a command or a tree is handed: the few things that live as long as the extension. */
export interface App extends Omit<Activation, 'views'> {
  /** The chosen cluster and the way to it. Connects when first asked, never before. */
  readonly clusters: Clusters;
}

/** The rest of the extension, opened with the first view that is looked at, the first command, the first panel. */
export interface OpenApp {
  readonly app: App;
  /** Shows why it failed, when it does. @param id one of `commandIds`. @param target what tree, code lens or palette hands over. */
  runCommand(id: string, target: unknown[]): Promise<unknown>;
  /** Takes over a panel that the window had before it was reloaded. @param kept what the page left. */
  restorePanel(type: WebviewType, panel: vscode.WebviewPanel, kept: unknown): Promise<void>;
  /** @param name one of `toolNames`. */
  openTool(name: string): Promise<OpenTool>;
}
