import '@vscode-elements/elements/dist/vscode-badge/index.js';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-progress-ring/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import './interception.css';
import { render } from 'lit';
import type { FromInterceptionView, InterceptionState } from '../../contract/interception-view.ts';
import { chainElementId } from './rules-view.ts';
import { parseUiState, type UiState } from './ui-state.ts';
import { interceptionView } from './view.ts';

/** What the page around the view does for it: VS Code's webview API, or the gallery. */
export interface ViewHost {
  post: (message: FromInterceptionView) => void;
  getState: () => unknown;
  setState: (state: UiState) => void;
}

/** Puts the view into an element and keeps the two in step. */
export function mountInterceptionView(root: HTMLElement, host: ViewHost): { show: (state: InterceptionState) => void } {
  let ui = parseUiState(host.getState());
  let state: InterceptionState | undefined;
  let scrollRestored = false;

  const update = (change: Partial<UiState>): void => {
    ui = { ...ui, ...change };
    host.setState(ui);
    draw();
  };
  const draw = (): void => {
    if (state) render(interceptionView(state, { ui, update, post: host.post, goToChain }), root);
  };
  const goToChain = (key: string): void => {
    update({ collapsed: ui.collapsed.filter((other) => other !== key), search: '', hideUnused: false });
    const heading = document.getElementById(chainElementId(key));
    heading?.scrollIntoView({ block: 'center' });
    heading?.focus({ preventScroll: true });
  };

  window.addEventListener('keydown', (event) => {
    const wantsSearch =
      (event.key === '/' && !isTyping(event)) ||
      (event.key === 'f' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey);
    if (!wantsSearch || !state || state.readings.length === 0) return;
    event.preventDefault();
    if (ui.tab !== 'rules') update({ tab: 'rules' });
    const search = document.getElementById('search') as
      (HTMLElement & { wrappedElement?: HTMLInputElement; updateComplete?: Promise<unknown> }) | null;
    // The field draws itself a moment after it is put into the page.
    void Promise.resolve(search?.updateComplete).then(() => {
      search?.focus();
      search?.wrappedElement?.select();
    });
  });
  window.addEventListener(
    'scroll',
    throttle(200, () => {
      ui = { ...ui, scroll: Math.round(window.scrollY) };
      host.setState(ui);
    }),
    { passive: true },
  );

  return {
    show(next) {
      state = next;
      draw();
      if (scrollRestored || next.readings.length === 0) return;
      scrollRestored = true;
      const { scroll } = ui;
      if (scroll > 0) requestAnimationFrame(() => window.scrollTo({ top: scroll }));
    },
  };
}

function isTyping(event: KeyboardEvent): boolean {
  return event.composedPath().some((target) => target instanceof HTMLInputElement && target.type === 'text');
}

/** At most one call in so many milliseconds, the last one included. */
function throttle(ms: number, call: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      call();
    }, ms);
  };
}
