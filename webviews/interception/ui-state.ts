/** What the person has set in the view itself. It lives in the webview's own state, so it survives hiding and a reload. */
export interface UiState {
  search: string;
  /** Key of the chosen reading; absent: the first one that has rules. */
  reading?: string;
  tab: 'rules' | 'raw';
  /** Leave out rules that no packet has met. */
  hideUnused: boolean;
  /** `table/CHAIN` of every chain that is folded away. */
  collapsed: string[];
  /** Pixels from the top of the page. */
  scroll: number;
}

export const initialUiState: UiState = { search: '', tab: 'rules', hideUnused: false, collapsed: [], scroll: 0 };

/** Reads what an earlier version of the view may have kept; whatever does not fit falls back to its initial value. */
export function parseUiState(kept: unknown): UiState {
  const found = typeof kept === 'object' && kept !== null ? (kept as Record<string, unknown>) : {};
  return {
    search: typeof found.search === 'string' ? found.search : initialUiState.search,
    ...(typeof found.reading === 'string' && { reading: found.reading }),
    tab: found.tab === 'raw' ? 'raw' : 'rules',
    hideUnused: found.hideUnused === true,
    collapsed: Array.isArray(found.collapsed) ? found.collapsed.filter((key) => typeof key === 'string') : [],
    scroll: typeof found.scroll === 'number' && found.scroll >= 0 ? found.scroll : 0,
  };
}
