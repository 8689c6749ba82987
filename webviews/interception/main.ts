import * as l10n from '@vscode/l10n';
import type { FromInterceptionView } from '../../contract/interception-view.ts';
import { parseToInterceptionView } from '../../contract/parse-interception-view.ts';
import { mountInterceptionView } from './mount.ts';
import type { UiState } from './ui-state.ts';

/** Given by VS Code to every webview; may be called once. */
declare function acquireVsCodeApi(): {
  postMessage: (message: FromInterceptionView) => void;
  getState: () => unknown;
  setState: (state: UiState) => void;
};

const vscode = acquireVsCodeApi();
const root = document.getElementById('root');
if (root) {
  const view = mountInterceptionView(root, {
    post: (message) => vscode.postMessage(message),
    getState: () => vscode.getState(),
    setState: (state) => vscode.setState(state),
  });
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const message = parseToInterceptionView(data);
    if (!message) return;
    if (message.strings) l10n.config({ contents: message.strings });
    view.show(message.state, message.tab);
  });
  vscode.postMessage({ type: 'ready' });
}
