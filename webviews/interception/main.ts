import * as l10n from '@vscode/l10n';
import type { FromInterceptionView, PodView } from '../../contract/interception-view.ts';
import { parseToInterceptionView } from '../../contract/parse-interception-view.ts';
import { harmlessData } from '../../mesh/harmless-text.ts';
import { mountInterceptionView } from './mount.ts';

/** Given by VS Code to every webview; may be called once. */
declare function acquireVsCodeApi(): {
  postMessage: (message: FromInterceptionView) => void;
  getState: () => unknown;
  setState: (state: unknown) => void;
};

const vscode = acquireVsCodeApi();
/** Kept with what the person has set: the host knows a page by it that a reloaded window brings back. */
let pod: PodView | undefined;
const root = document.getElementById('root');
if (root) {
  const view = mountInterceptionView(root, {
    post: (message) => vscode.postMessage(message),
    getState: () => vscode.getState(),
    setState: (state) => vscode.setState({ ...state, pod }),
  });
  window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const message = parseToInterceptionView(harmlessData(data));
    if (!message) return;
    if (message.strings) l10n.config({ contents: message.strings });
    if (!pod) vscode.setState({ ...(vscode.getState() as object | undefined), pod: message.state.pod });
    pod = message.state.pod;
    view.show(message.state, message.tab);
  });
  vscode.postMessage({ type: 'ready' });
}
