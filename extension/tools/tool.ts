/**
 * A tool for language models: data in, data out, and nothing is ever written. No editor here, so that each is tested as the
 * function it is; `register-tools.ts` gives them to VS Code.
 */
import type { FindingsReply } from '../../contract/language-server.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { PodRules } from '../panels/read-pod-rules.ts';
import type { PodPlace } from '../panels/interception-state.ts';

/** The doors that tools have to the world: all of them read. */
export interface ToolServices {
  /** Name of the chosen cluster; asking contacts nobody. */
  chosenCluster(): string;
  /** Whether a path is in a folder of the window, where relative ones are. */
  isInside(path: string): boolean;
  connect(): Promise<Cluster>;
  /** Rules by the best way that is open without changing anything. */
  readPod(cluster: Cluster, place: PodPlace, signal: AbortSignal): Promise<PodRules>;
  /** @param path absolute, or relative to a folder of the window. */
  findings(path: string, signal: AbortSignal): Promise<{ file: string; reply: FindingsReply }>;
}

export interface ToolAnswer {
  /** What came out, in a sentence or two. */
  says: string;
  /** The same shape as the command line's JSON. */
  json: unknown;
}

export interface Tool<Input = unknown> {
  name: string;
  /** @throws ToolInputError, telling the model which field to mend. */
  read(input: unknown): Input;
  /** One line for the person while it runs. */
  progress(input: Input, services: Pick<ToolServices, 'chosenCluster' | 'isInside'>): string;
  /** What the person is asked before anything live is touched; absent for tools that look at files or texts alone. */
  confirm?(
    input: Input,
    services: Pick<ToolServices, 'chosenCluster' | 'isInside'>,
  ): { title: string; message: string } | undefined;
  run(input: Input, services: ToolServices, options: ToolRun): Promise<ToolAnswer>;
}

export interface ToolRun {
  signal: AbortSignal;
  /** Characters of JSON that the answer may have. */
  limit: number;
}

/** What the model gave does not fit; the message says which field, and what it takes. */
export class ToolInputError extends Error {
  override readonly name = 'ToolInputError';
}

/** What was asked for cannot be had; the message says why and what to do next. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';
}

/** Leaves out the last items until the whole is small enough. @returns also how many there were, when some were left out. */
export function fit<Item, Whole>(
  items: readonly Item[],
  limit: number,
  whole: (kept: Item[]) => Whole,
): { json: Whole; leftOut: number } {
  let json = whole([...items]);
  if (JSON.stringify(json).length <= limit) return { json, leftOut: 0 };
  let low = 0;
  let high = items.length;
  // The largest number that fits; nothing at all is kept when even one item is too long.
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (JSON.stringify(whole(items.slice(0, middle))).length <= limit) low = middle;
    else high = middle - 1;
  }
  json = whole(items.slice(0, low));
  return { json, leftOut: items.length - low };
}
