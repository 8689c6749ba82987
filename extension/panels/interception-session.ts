/**
 * One pod's interception view without its window: the state, and everything that changes it.
 *
 *     read ──► PodRules ──► show              at once, so that rules are on screen
 *                       └─► drift, presets ──► show
 *     watch: read ──► show, every so many seconds, while it is armed and somebody sees it
 *     compare: the same reading of another pod
 *
 * Nothing here is thrown at the person: what goes wrong is part of the state.
 */
import * as l10n from '@vscode/l10n';
import type {
  CompareView,
  DriftView,
  InterceptionState,
  PodView,
  TraceHints,
  WatchView,
} from '../../contract/interception-view.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import type { ContainerOffer } from '../node-helper/debug-container.ts';
import { loadingState, type PodPlace } from './interception-state.ts';
import type { PodRules } from './read-pod-rules.ts';

/** What a reading is asked with; the rest is the caller's. */
export interface SessionRead {
  signal: AbortSignal;
  acceptComputed: boolean;
  addContainer?: ContainerOffer;
  onProgress?: (message: string) => void;
}

export interface SessionPorts {
  read(place: PodPlace, options: SessionRead): Promise<PodRules>;
  /** Drift and presets; works on what was read, and may ask the cluster for more. */
  explain(rules: PodRules & { pod: Pod }, signal: AbortSignal): Promise<{ drift?: DriftView; trace?: TraceHints }>;
  show(state: InterceptionState): void;
}

/** After failures in a row the next attempt comes later each time, but at least this often. */
const longestPauseSeconds = 60;

export class InterceptionSession {
  readonly #place: PodPlace;
  readonly #ports: SessionPorts;
  #base: InterceptionState;
  #rules: PodRules | undefined;
  #drift: DriftView | undefined;
  #trace: TraceHints | undefined;
  #compare: CompareView | undefined;
  #watch: WatchView | undefined;
  #news: string[] = [];
  #reading: AbortController | undefined;
  #comparing: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #isVisible = true;
  #isDisposed = false;
  #acceptComputed = false;

  constructor(place: PodPlace, ports: SessionPorts) {
    this.#place = place;
    this.#ports = ports;
    this.#base = loadingState(place);
  }

  get state(): InterceptionState {
    return {
      ...this.#base,
      notes: [...this.#news, ...this.#base.notes],
      ...(this.#drift && { drift: this.#drift }),
      ...(this.#trace && { trace: this.#trace }),
      ...(this.#compare && { compare: this.#compare }),
      ...(this.#watch && { watch: this.#watch }),
    };
  }

  /** The debug container that could be added; known after a reading that did not come to the rules. */
  get offer(): ContainerOffer | undefined {
    return this.#rules?.offer;
  }

  /** Reads now, and again what is compared with. @returns undefined when another reading took its place. */
  async read(addContainer?: ContainerOffer): Promise<InterceptionState | undefined> {
    const signal = this.#begin();
    this.#news = [];
    this.#base = loadingState(this.#place, this.#base);
    this.#show();
    const onProgress = (message: string) => {
      this.#base = { ...this.#base, source: message };
      if (!signal.aborted) this.#show();
    };
    const rules = await this.#ports.read(this.#place, {
      signal,
      acceptComputed: this.#acceptComputed,
      ...(addContainer && { addContainer, onProgress }),
    });
    if (signal.aborted) return undefined;
    this.#take(rules);
    this.#failures = 0;
    if (this.#watch?.trouble !== undefined) this.#watch = { on: this.#watch.on, seconds: this.#watch.seconds };
    this.#show();
    const compared = this.#compare && this.compare(this.#compare.pod);
    await Promise.all([this.#explain(rules, signal), compared]);
    if (signal.aborted) return undefined;
    this.#plan();
    return this.state;
  }

  /** From now on computed rules are shown where none can be read. */
  async showComputed(): Promise<void> {
    this.#acceptComputed = true;
    await this.read();
  }

  /** Reads again by itself, or stops. The first time is now: what is on screen may be old. */
  watch(on: boolean, seconds: number): void {
    this.#failures = 0;
    this.#watch = { on, seconds };
    this.#stopTimer();
    this.#show();
    if (on && this.#isVisible) void this.#tick();
  }

  /** Nobody looks: nothing is read. Somebody looks again: read at once. */
  setVisible(isVisible: boolean): void {
    if (isVisible === this.#isVisible) return;
    this.#isVisible = isVisible;
    this.#stopTimer();
    if (isVisible && this.#watch?.on) void this.#tick();
  }

  /** Reads another pod to stand beside this one. */
  async compare(pod: PodView): Promise<void> {
    this.#comparing?.abort();
    const comparing = new AbortController();
    this.#comparing = comparing;
    this.#compare = { pod, phase: 'loading', readings: this.#compare?.readings ?? [] };
    this.#show();
    const { signal } = comparing;
    const { state } = await this.#ports.read(pod, { signal, acceptComputed: this.#acceptComputed });
    if (signal.aborted) return;
    const { phase, readings, origin, failure } = state;
    this.#compare = {
      pod,
      phase: phase === 'ready' ? 'ready' : 'failed',
      readings,
      ...(origin && { origin }),
      ...(failure && { failure }),
    };
    this.#show();
  }

  stopComparing(): void {
    this.#comparing?.abort();
    this.#compare = undefined;
    this.#show();
  }

  /** Something to know that is no failure of the view, such as a file that could not be written. */
  note(text: string): void {
    this.#news = [text];
    this.#show();
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#reading?.abort();
    this.#comparing?.abort();
    this.#stopTimer();
  }

  #begin(): AbortSignal {
    this.#reading?.abort();
    this.#stopTimer();
    this.#reading = new AbortController();
    return this.#reading.signal;
  }

  #take(rules: PodRules): void {
    const same = this.#rules?.identity !== undefined && this.#rules.identity === rules.identity;
    if (!same || rules.state.phase === 'failed') {
      this.#drift = undefined;
      this.#trace = undefined;
    }
    this.#rules = rules;
    this.#base = rules.state;
  }

  async #explain(rules: PodRules, signal: AbortSignal): Promise<void> {
    const { pod } = rules;
    if (!pod || rules.state.phase !== 'ready') return;
    const explained = await this.#ports.explain({ ...rules, pod }, signal);
    if (signal.aborted) return;
    this.#drift = explained.drift;
    this.#trace = explained.trace;
    this.#show();
  }

  /** One turn of watching: what is on screen stays `ready` meanwhile, and stays when it fails. */
  async #tick(): Promise<void> {
    const signal = this.#begin();
    const before = this.#rules;
    const rules = await this.#ports.read(this.#place, { signal, acceptComputed: this.#acceptComputed });
    if (signal.aborted || !this.#watch) return;
    const { seconds } = this.#watch;
    const stopped = whyStop(rules, this.#place);
    if (stopped !== undefined) {
      this.#watch = { on: false, seconds, trouble: stopped };
      this.#keepOrTake(rules);
      this.#show();
      return;
    }
    if (rules.state.phase === 'ready') {
      this.#failures = 0;
      this.#watch = { on: true, seconds };
      this.#noticeRestart(before, rules);
      const changed = before?.identity !== rules.identity || rulesText(before) !== rulesText(rules) || !this.#drift;
      this.#take(rules);
      this.#show();
      if (changed) await this.#explain(rules, signal);
    } else {
      this.#keepOrTake(rules);
      this.#failures += 1;
      const { what = '', why = '' } = rules.state.failure ?? {};
      this.#watch = { on: true, seconds, trouble: `${what} ${why}`.trim() };
      this.#show();
    }
    if (!signal.aborted) this.#plan();
  }

  /** What was read before stays on screen; where nothing was, the failure is shown. */
  #keepOrTake(rules: PodRules): void {
    if (this.#base.phase === 'loading' && this.#base.readings.length > 0)
      this.#base = { ...this.#base, phase: 'ready' };
    else if (this.#base.phase !== 'ready') this.#take(rules);
  }

  #noticeRestart(before: PodRules | undefined, after: PodRules): void {
    if (before?.identity === undefined || before.identity === after.identity) return;
    const time = new Date().toLocaleTimeString();
    this.#news = [
      l10n.t(
        'Seen at {0}: {1} has a new network namespace, because the pod was restarted or replaced by one of the same name. Its counters began anew.',
        time,
        this.#place.name,
      ),
    ];
  }

  #plan(): void {
    this.#stopTimer();
    if (!this.#watch?.on || !this.#isVisible || this.#isDisposed) return;
    const { seconds } = this.#watch;
    const pause = Math.min(seconds * 2 ** this.#failures, Math.max(seconds, longestPauseSeconds));
    this.#timer = setTimeout(() => void this.#tick(), pause * 1000);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #show(): void {
    if (!this.#isDisposed) this.#ports.show(this.state);
  }
}

/** Why watching makes no sense any more; undefined while it does. */
function whyStop({ gone, way, state }: PodRules, { name }: PodPlace): string | undefined {
  if (gone) {
    const { why = '' } = state.failure ?? {};
    return l10n.t('{0} is gone, so watching has stopped. {1}', name, why);
  }
  if (way !== 'computed') return undefined;
  return l10n.t('These rules are computed: nobody counts packets in them, so there is nothing to watch.');
}

/** The rules without what their counters show. */
function rulesText(rules: PodRules | undefined): string {
  const readings = rules?.state.readings ?? [];
  return readings
    .map(
      ({ id, raw }) =>
        `${id}\n${raw
          .replace(/\[\d+:\d+\]/g, '')
          .replace(/^#.*$/gm, '')
          .replace(/counter packets \d+ bytes \d+/g, '')}`,
    )
    .join('\n');
}
