/** What the service path view shows and what it sends back: state in, messages out. */
import type { ServicePath } from '../mesh/service-path/service-path.ts';
import type { FailureAction, FailureView } from './interception-view.ts';

export interface ServicePathState {
  service: { namespace: string; name: string };
  node: string;
  context: string;
  phase: 'loading' | 'ready' | 'failed';
  /** Where the rules come from and when they were read, in words. */
  source?: string;
  paths: ServicePath[];
  notes: string[];
  /** `ready`, but no path: why. */
  whyNone?: string;
  failure?: FailureView;
}

export interface ToServicePathView {
  type: 'state';
  state: ServicePathState;
  /** The l10n bundle, English text → the user's language; absent for English. */
  strings?: Record<string, string>;
}

export type FromServicePathView = { type: 'ready' } | { type: 'refresh' } | { type: 'action'; id: FailureAction };

const actions: readonly FailureAction[] = ['retry', 'deploy-node-helper', 'choose-cluster', 'show-log'];

/** What the view sent; undefined when it is nothing that a host of this version understands. */
export function parseFromServicePathView(data: unknown): FromServicePathView | undefined {
  const message = asRecord(data);
  if (message?.type === 'ready' || message?.type === 'refresh') return { type: message.type };
  const id = message?.type === 'action' ? actions.find((action) => action === message.id) : undefined;
  return id && { type: 'action', id };
}

/** What the host sent; undefined for what is no state. */
export function parseToServicePathView(data: unknown): ToServicePathView | undefined {
  const message = asRecord(data);
  const state = asRecord(message?.state);
  if (message?.type !== 'state' || !state || !asRecord(state.service) || !Array.isArray(state.paths)) return undefined;
  const strings = asRecord(message.strings);
  return {
    type: 'state',
    state: { ...state, notes: Array.isArray(state.notes) ? state.notes : [] } as unknown as ServicePathState,
    ...(strings && { strings: strings as Record<string, string> }),
  };
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
