import '@vscode-elements/elements/dist/vscode-badge/index.js';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-ring/index.js';
import '../interception/interception.css';
import './service-path.css';
import { render } from 'lit';
import type { FromServicePathView, ServicePathState } from '../../contract/service-path-view.ts';
import { servicePathView } from './view.ts';

/** Puts the view into an element and keeps the two in step. */
export function mountServicePathView(
  root: HTMLElement,
  post: (message: FromServicePathView) => void,
): { show: (state: ServicePathState) => void } {
  return { show: (state) => render(servicePathView(state, post), root) };
}
