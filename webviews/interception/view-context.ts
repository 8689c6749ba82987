import type { FromInterceptionView } from '../../contract/interception-view.ts';
import type { UiState } from './ui-state.ts';

/** What every part of the view is handed beside the state: what the person has set, and the ways to change it. */
export interface ViewContext {
  ui: UiState;
  update: (change: Partial<UiState>) => void;
  post: (message: FromInterceptionView) => void;
  /** Unfolds a chain and brings it into sight. */
  goToChain: (key: string) => void;
  /** Brings one rule into sight in the Rules tab. @param index see {@link indexRows} */
  goToRule: (index: number) => void;
  /** Rules that packets have met between the last two readings while watching. */
  justHit: ReadonlySet<number>;
}
