/** The forwarded ports that a window had when it was closed or loaded again: they end with it, and nobody would say so. */
import * as l10n from '@vscode/l10n';
import { keptForwardsKey } from './kept-forwards-key.ts';
import type { ForwardTarget } from './port-forward.ts';

export interface KeptForward {
  target: ForwardTarget;
  localPort: number;
  /** The context's name and id. */
  context: string;
  contextId: string;
}

/** Of `vscode.Memento` what is needed here. */
export interface Memory {
  get(key: string): unknown;
  update(key: string, value: unknown): PromiseLike<void>;
}

/** Remembers those that stand now. */
export function keepForwards(memory: Memory, forwards: readonly KeptForward[]): void {
  void memory.update(keptForwardsKey, forwards.length > 0 ? forwards : undefined);
}

/** Those that stood when the window ended; they are told of once. */
export function takeKeptForwards(memory: Memory): KeptForward[] {
  const kept = memory.get(keptForwardsKey);
  if (!Array.isArray(kept)) return [];
  keepForwards(memory, []);
  return kept.filter(isKept);
}

/** An older version may have written something else. */
function isKept(value: unknown): value is KeptForward {
  const { target, localPort, context, contextId } = (value ?? {}) as Partial<KeptForward>;
  const isTarget = typeof target?.label === 'string' && typeof target.scope?.namespace === 'string';
  return isTarget && typeof localPort === 'number' && typeof context === 'string' && typeof contextId === 'string';
}

/** @param chosenId of the context that is chosen now: the others' cannot be opened again before theirs is. */
export function describeEnded(kept: readonly KeptForward[], chosenId: string): string {
  const list = kept.map(
    ({ target, localPort, context }) => `127.0.0.1:${localPort} → ${target.label}:${target.port} (${context})`,
  );
  const said = l10n.t('These forwarded ports ended with the window: {0}.', list.join(', '));
  const [other] = kept.filter(({ contextId }) => contextId !== chosenId);
  return other ? `${said} ${l10n.t('Choose “{0}” to forward its ports again.', other.context)}` : said;
}
