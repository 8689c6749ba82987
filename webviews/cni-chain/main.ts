import * as l10n from '@vscode/l10n';
import { parseToCniChainView, type FromCniChainView } from '../../contract/cni-chain-view.ts';
import { harmlessData } from '../../mesh/harmless-text.ts';
import { mountCniChainView } from './mount.ts';

/** Given by VS Code to every webview; may be called once. */
declare function acquireVsCodeApi(): {
  postMessage: (message: FromCniChainView) => void;
  setState: (state: unknown) => void;
};

const vscode = acquireVsCodeApi();
const root = document.getElementById('root');
if (root) {
  const view = mountCniChainView(root, (message) => vscode.postMessage(message));
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const message = parseToCniChainView(harmlessData(data));
    if (!message) return;
    if (message.strings) l10n.config({ contents: message.strings });
    // The host knows a page by it that a reloaded window brings back.
    const { node, context } = message.state;
    vscode.setState({ node, context });
    view.show(message.state);
  });
  vscode.postMessage({ type: 'ready' });
}
