import '@vscode-elements/elements/dist/vscode-badge/index.js';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-ring/index.js';
import '../interception/interception.css';
import './cni-chain.css';
import { render } from 'lit';
import type { CniChainState, FromCniChainView } from '../../contract/cni-chain-view.ts';
import { cniChainView } from './view.ts';

/** Puts the view into an element and keeps the two in step. */
export function mountCniChainView(
  root: HTMLElement,
  post: (message: FromCniChainView) => void,
): { show: (state: CniChainState) => void } {
  return { show: (state) => render(cniChainView(state, post), root) };
}
