import type { ReadingView } from '../../../contract/interception-view.ts';
import { tracePacket, type Trace } from '../../../mesh/interception/trace-packet.ts';
import { parseReading } from '../index-rows.ts';
import type { UiState } from '../ui-state.ts';
import { readTraceForm, type TraceForm } from './trace-form.ts';

/** One rule of a packet's way. */
export interface TraceStep {
  table: string;
  chain: string;
  text: string;
  target?: string;
  /** Its number in the reading; absent when the reading shows it in no row. */
  index?: number;
}

export interface TraceAnswer {
  trace: Trace;
  steps: TraceStep[];
  /** Where in the way each rule stands, from 1, by its number. */
  stepsOf: ReadonlyMap<number, number[]>;
}

const kept = new WeakMap<ReadingView, { form: string; answer: TraceAnswer | undefined }>();

/** Takes the form's packet through a reading; undefined when the form is not one packet. Thought out once per question. */
export function traceReading(reading: ReadingView, form: TraceForm): TraceAnswer | undefined {
  const asked = JSON.stringify(form);
  const before = kept.get(reading);
  if (before?.form === asked) return before.answer;
  const { packet } = readTraceForm(form);
  const answer = packet && describeTrace(reading, tracePacket(parseReading(reading).ruleset, packet));
  kept.set(reading, { form: asked, answer });
  return answer;
}

/** The way that is to be drawn in table and graph: of the packet asked about last, until the person takes it away. */
export function shownTrace(reading: ReadingView, { trace, showTrace }: UiState): TraceAnswer | undefined {
  return showTrace && trace ? traceReading(reading, trace) : undefined;
}

function describeTrace(reading: ReadingView, trace: Trace): TraceAnswer {
  const { indexOf } = parseReading(reading);
  const steps = trace.path.map((rule): TraceStep => {
    const index = indexOf(rule);
    const { table, chain, text, target } = rule;
    return { table, chain, text, ...(target !== undefined && { target }), ...(index !== undefined && { index }) };
  });
  const stepsOf = new Map<number, number[]>();
  steps.forEach(({ index }, at) => {
    if (index !== undefined) stepsOf.set(index, [...(stepsOf.get(index) ?? []), at + 1]);
  });
  return { trace, steps, stepsOf };
}
