/** Reads what crosses between the interception view and its host: the other end may be older, newer, or not what it seems. */
import type { FailureAction, FromInterceptionView, InterceptionTab, ToInterceptionView } from './interception-view.ts';
import { interceptionTabs } from './interception-view.ts';

const failureActions: readonly FailureAction[] = [
  'retry',
  'deploy-node-helper',
  'read-inside',
  'show-computed',
  'choose-cluster',
  'show-log',
];

/** Between one second, which a node helper keeps up with, and an hour. */
const watchLimits = { least: 1, most: 3600 };

/** What the view sent; undefined when it is nothing that a host of this version understands. */
export function parseFromInterceptionView(data: unknown): FromInterceptionView | undefined {
  const message = record(data);
  switch (message?.type) {
    case 'ready':
    case 'refresh':
      return { type: message.type };
    case 'open-raw':
      return typeof message.reading === 'string' ? { type: 'open-raw', reading: message.reading } : undefined;
    case 'save':
      return typeof message.reading === 'string'
        ? { type: 'save', reading: message.reading, of: message.of === 'expected' ? 'expected' : 'actual' }
        : undefined;
    case 'copy':
      return typeof message.text === 'string' ? { type: 'copy', text: message.text } : undefined;
    case 'watch':
      return typeof message.on === 'boolean'
        ? { type: 'watch', on: message.on, seconds: parseWatchSeconds(message.seconds) }
        : undefined;
    case 'compare':
      return message.stop === true ? { type: 'compare', stop: true } : { type: 'compare' };
    case 'action': {
      const id = failureActions.find((action) => action === message.id);
      return id && { type: 'action', id };
    }
    default:
      return undefined;
  }
}

/** Seconds between two readings, within what is sensible; 5 for what is no number. */
export function parseWatchSeconds(seconds: unknown): number {
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return 5;
  return Math.min(watchLimits.most, Math.max(watchLimits.least, Math.round(seconds)));
}

/**
 * What the host sent; undefined for what is no state. The parts that every state has are checked and stood in for; those
 * inside of them come from the same version of the program that drew the page.
 */
export function parseToInterceptionView(data: unknown): ToInterceptionView | undefined {
  const message = record(data);
  const state = record(message?.state);
  const pod = record(state?.pod);
  if (message?.type !== 'state' || !state || !pod) return undefined;
  const strings = record(message.strings);
  const tab = interceptionTabs.find((each): each is InterceptionTab => each === message.tab);
  const phase = state.phase === 'ready' || state.phase === 'failed' ? state.phase : 'loading';
  return {
    type: 'state',
    state: {
      ...state,
      pod: { namespace: text(pod.namespace), name: text(pod.name), context: text(pod.context) },
      phase,
      readings: list(state.readings),
      listening: list(state.listening),
      notes: list(state.notes),
    },
    ...(strings && { strings: onlyTexts(strings) }),
    ...(tab && { tab }),
  };
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function list<Item>(value: unknown): Item[] {
  return Array.isArray(value) ? (value as Item[]) : [];
}

function onlyTexts(strings: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(strings).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
