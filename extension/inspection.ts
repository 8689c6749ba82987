/**
 * Door to a chunk of its own, loaded with the first pod that is looked into: reading rules, explaining and tracing them, and
 * the view. Activation pays nothing for them.
 */
import * as l10n from '@vscode/l10n';
import * as vscode from 'vscode';

// This bundle shares no module with the extension's.
if (vscode.l10n.bundle) l10n.config({ contents: vscode.l10n.bundle });

export {
  compareInterception,
  restoreInterception,
  saveInterception,
  showInterception,
} from './panels/interception-panel.ts';
export { restoreCniChain, showCniChain } from './panels/cni-chain-panel.ts';
export { restoreServicePath, showServicePath } from './panels/service-path-panel.ts';
export { openTool } from './tools/open-tool.ts';
