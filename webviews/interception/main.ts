import * as l10n from '@vscode/l10n';
import type { FromInterceptionView, ToInterceptionView } from '../../contract/interception-view.ts';
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
  window.addEventListener('message', ({ data }: MessageEvent<ToInterceptionView>) => {
    if (data.type !== 'state') return;
    if (data.strings) l10n.config({ contents: data.strings });
    view.show(data.state);
  });
  vscode.postMessage({ type: 'ready' });
}
