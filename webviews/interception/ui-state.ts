import { interceptionTabs, type InterceptionTab } from '../../contract/interception-view.ts';
import { parseBaseline, type Baseline } from './watch/counter-deltas.ts';
import { parseTraceForm, type TraceForm } from './trace/trace-form.ts';

/** What the person has set in the view itself. It lives in the webview's own state, so it survives hiding and a reload. */
export interface UiState {
  search: string;
  /** Key of the chosen reading; absent: the first one that has rules. */
  reading?: string;
  tab: InterceptionTab;
  /** Leave out rules that no packet has met. */
  hideUnused: boolean;
  /** `table/CHAIN` of every chain that is folded away, or, among very many rules, unfolded. */
  collapsed: string[];
  /** Which page of a very long chain is shown, by `table/CHAIN`. */
  pages: Record<string, number>;
  /** Pixels from the top of the page. */
  scroll: number;
  /** Where the person has moved the graph to; absent: as it fits. */
  viewport?: Viewport | undefined;
  /** Node of the graph whose rules are shown. */
  node?: string | undefined;
  /** The packet that was asked about last, and whether its way is drawn. */
  trace?: TraceForm;
  showTrace: boolean;
  /** Counters at the moment of arming; absent: not armed. */
  watch?: Baseline | undefined;
  watchSeconds: number;
}

/** The graph's upper left corner in the canvas, and its scale. */
export interface Viewport {
  x: number;
  y: number;
  scale: number;
}

export const initialUiState: UiState = {
  search: '',
  tab: 'rules',
  hideUnused: false,
  collapsed: [],
  pages: {},
  scroll: 0,
  showTrace: false,
  watchSeconds: 2,
};

/** Reads what an earlier version of the view may have kept; whatever does not fit falls back to its initial value. */
export function parseUiState(kept: unknown): UiState {
  const found = typeof kept === 'object' && kept !== null ? (kept as Record<string, unknown>) : {};
  const viewport = parseViewport(found.viewport);
  const trace = parseTraceForm(found.trace);
  const watch = parseBaseline(found.watch);
  return {
    search: typeof found.search === 'string' ? found.search : initialUiState.search,
    ...(typeof found.reading === 'string' && { reading: found.reading }),
    tab: interceptionTabs.find((tab) => tab === found.tab) ?? initialUiState.tab,
    hideUnused: found.hideUnused === true,
    collapsed: Array.isArray(found.collapsed) ? found.collapsed.filter((key) => typeof key === 'string') : [],
    pages: {},
    scroll: typeof found.scroll === 'number' && found.scroll >= 0 ? found.scroll : 0,
    ...(viewport && { viewport }),
    ...(typeof found.node === 'string' && { node: found.node }),
    ...(trace && { trace }),
    showTrace: found.showTrace === true && trace !== undefined,
    ...(watch && { watch }),
    watchSeconds: isSeconds(found.watchSeconds) ? found.watchSeconds : initialUiState.watchSeconds,
  };
}

function parseViewport(kept: unknown): Viewport | undefined {
  const { x, y, scale } = (kept ?? {}) as Record<string, unknown>;
  return isFinite(x) && isFinite(y) && isFinite(scale) && scale > 0 ? { x, y, scale } : undefined;
}

function isFinite(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isSeconds(value: unknown): value is number {
  return isFinite(value) && value >= 1 && value <= 3600;
}
