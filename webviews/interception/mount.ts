import '@vscode-elements/elements/dist/vscode-badge/index.js';
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-progress-ring/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import './interception.css';
import './graph/graph.css';
import './trace/trace.css';
import './drift/drift.css';
import './watch/watch.css';
import { render } from 'lit';
import type { FromInterceptionView, InterceptionState, InterceptionTab } from '../../contract/interception-view.ts';
import { indexRows, ruleElementId } from './index-rows.ts';
import { chainElementId, pageSize, vastReading } from './rules/rules-view.ts';
import { parseUiState, type UiState } from './ui-state.ts';
import type { ViewContext } from './view-context.ts';
import { chosenReading, interceptionView } from './view.ts';
import { armCounters, countSince } from './watch/counter-deltas.ts';

/** What the page around the view does for it: VS Code's webview API, or the gallery. */
export interface ViewHost {
  post: (message: FromInterceptionView) => void;
  getState: () => unknown;
  setState: (state: UiState) => void;
}

export interface MountedView {
  /** @param tab the one to go to; absent: the person stays where they are. */
  show: (state: InterceptionState, tab?: InterceptionTab) => void;
}

/** Puts the view into an element and keeps the two in step. */
export function mountInterceptionView(root: HTMLElement, host: ViewHost): MountedView {
  let ui = parseUiState(host.getState());
  let state: InterceptionState | undefined;
  let scrollRestored = false;
  let justHit: ReadonlySet<number> = new Set();

  const keep = throttle(200, () => host.setState(keepable(ui)));
  const update = (change: Partial<UiState>): void => {
    ui = { ...ui, ...change };
    host.setState(keepable(ui));
    draw();
  };
  const draw = (): void => {
    if (state) render(interceptionView(state, context()), root);
  };
  const context = (): ViewContext => ({ ui, update, post: host.post, goToChain, goToRule, justHit });
  const goTo = (id: string): void => {
    const element = document.getElementById(id);
    element?.scrollIntoView({ block: 'center' });
    element?.focus({ preventScroll: true });
  };
  const isVast = (): boolean => {
    const reading = state && chosenReading(state, ui);
    return reading !== undefined && indexRows(reading).rows.length > vastReading;
  };
  /** In a vast reading the list names what is unfolded, else what is folded away. */
  const unfold = (key: string): string[] => {
    const others = ui.collapsed.filter((other) => other !== key);
    return isVast() ? [...others, key] : others;
  };
  const goToChain = (key: string): void => {
    update({ tab: 'rules', collapsed: unfold(key), search: '', hideUnused: false });
    goTo(chainElementId(key));
  };
  const goToRule = (index: number): void => {
    const reading = state && chosenReading(state, ui);
    const found = reading && indexRows(reading).rows[index];
    if (!found) return;
    const { chain, at } = found;
    const pages = { ...ui.pages, [chain]: Math.floor(at / pageSize) };
    update({ tab: 'rules', collapsed: unfold(chain), pages, search: '', hideUnused: false });
    goTo(ruleElementId(index));
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
    () => {
      ui = { ...ui, scroll: Math.round(window.scrollY) };
      keep();
    },
    { passive: true },
  );
  // How the graph lies depends on the room it has.
  window.addEventListener(
    'resize',
    throttle(150, () => ui.tab === 'graph' && draw()),
  );

  return {
    show(next, tab) {
      justHit = findJustHit(state, next, ui);
      state = next;
      if (tab) update({ tab });
      else draw();
      if (scrollRestored || next.readings.length === 0) return;
      scrollRestored = true;
      const { scroll } = ui;
      if (scroll > 0 && !tab) requestAnimationFrame(() => window.scrollTo({ top: scroll }));
    },
  };
}

/** Rules of the chosen reading whose counters moved between two states, while watching. */
function findJustHit(
  before: InterceptionState | undefined,
  after: InterceptionState,
  ui: UiState,
): ReadonlySet<number> {
  const reading = ui.watch && chosenReading(after, ui);
  const earlier = reading && before?.readings.find(({ id }) => id === reading.id);
  if (!reading || !earlier || earlier === reading) return new Set();
  return new Set(countSince(armCounters([earlier], 0), reading).byRule.keys());
}

/** The webview's state is sent to the host at every change: counters of many thousands of rules stay out of it. */
function keepable(ui: UiState): UiState {
  const counted = Object.values(ui.watch?.readings ?? {}).reduce((sum, { rules }) => sum + rules.length, 0);
  return counted > 5000 ? { ...ui, watch: undefined } : ui;
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
