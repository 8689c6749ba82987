import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeReading } from '../../contract/reading-view.ts';
import type { InterceptionState } from '../../contract/interception-view.ts';
import { InterceptionSession, type SessionPorts, type SessionRead } from './interception-session.ts';
import { describeClusterTrouble, failedState, podGone, type PodPlace } from './interception-state.ts';
import type { PodRules } from './read-pod-rules.ts';

const place = { namespace: 'shop', name: 'reviews-1', context: 'kind-mesh' };
const other = { ...place, name: 'reviews-2' };
const pod = { metadata: { name: 'reviews-1', namespace: 'shop', uid: 'u1' } };

const saved = (packets: number) =>
  `*nat\n:OUTPUT ACCEPT [${packets}:${packets}]\n[${packets}:0] -A OUTPUT -p tcp -j RETURN\nCOMMIT\n`;

function ready(packets: number, identity = 'u1 net:1', extra: Partial<PodRules> = {}): PodRules {
  const reading = describeReading({ family: '4', backend: 'nft', text: saved(packets) });
  const state: InterceptionState = { pod: place, phase: 'ready', readings: [reading], listening: [], notes: [] };
  return { state, pod, identity, way: 'helper', ...extra };
}

const failed = (): PodRules => ({
  state: failedState(place, describeClusterTrouble(place, 'It refused the connection.', 'Start it.')),
});
const gone = (): PodRules => ({ state: failedState(place, podGone(place)), gone: true });

function open(answers: PodRules[]) {
  const asked: { place: PodPlace; options: SessionRead }[] = [];
  const shown: InterceptionState[] = [];
  const explain = vi.fn<SessionPorts['explain']>(() =>
    Promise.resolve({ drift: { comparisons: [] }, trace: { podIps: ['10.0.0.7'] } }),
  );
  const session = new InterceptionSession(place, {
    read: (of, options) => {
      asked.push({ place: of, options });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return Promise.resolve(answer!);
    },
    explain,
    show: (state) => shown.push(state),
  });
  const packets = () => session.state.readings[0]?.chains[0]?.rules[0]?.packets;
  return { session, asked, shown, explain, packets };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('reading', () => {
  it('shows the rules before what takes longer, then drift and presets', async () => {
    const { session, shown } = open([ready(1)]);
    await session.read();
    expect(shown.map(({ phase, drift }) => [phase, drift !== undefined])).toEqual([
      ['loading', false],
      ['ready', false],
      ['ready', true],
    ]);
    expect(session.state.trace?.podIps).toEqual(['10.0.0.7']);
  });

  it('gives way to a newer reading', async () => {
    const { session } = open([ready(1), ready(2)]);
    const first = session.read();
    const second = session.read();
    expect(await first).toBeUndefined();
    expect((await second)?.phase).toBe('ready');
  });

  it('asks for computed rules only after the person has', async () => {
    const { session, asked } = open([failed(), ready(1)]);
    await session.read();
    await session.showComputed();
    expect(asked.map(({ options }) => options.acceptComputed)).toEqual([false, true]);
  });

  it('shows nothing any more once it is closed', async () => {
    const { session, shown } = open([ready(1)]);
    const reading = session.read();
    session.dispose();
    expect(await reading).toBeUndefined();
    expect(shown).toHaveLength(1);
  });
});

describe('watching', () => {
  it('reads at once and then every so many seconds, staying on screen', async () => {
    const { session, shown, packets } = open([ready(1), ready(2), ready(3)]);
    await session.read();
    shown.length = 0;
    session.watch(true, 2);
    await vi.advanceTimersByTimeAsync(0);
    expect(packets()).toBe(2);
    await vi.advanceTimersByTimeAsync(2000);
    expect(packets()).toBe(3);
    expect(new Set(shown.map(({ phase }) => phase))).toEqual(new Set(['ready']));
    expect(session.state.watch).toEqual({ on: true, seconds: 2 });
  });

  it('works out the drift again only when the rules are others', async () => {
    const { session, explain } = open([ready(1), ready(2), ready(3)]);
    await session.read();
    session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(3000);
    expect(explain).toHaveBeenCalledTimes(1);
    expect(session.state.drift).toBeDefined();
  });

  it('pauses while nobody sees it, and reads at once when somebody does', async () => {
    const { session, asked } = open([ready(1)]);
    await session.read();
    session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(0);
    session.setVisible(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(2);
    session.setVisible(true);
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toHaveLength(3);
  });

  it('stops when told, and when closed', async () => {
    const { session, asked } = open([ready(1)]);
    await session.read();
    session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(0);
    session.watch(false, 1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(2);
    session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(0);
    session.dispose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps the last counters when a reading fails, says so, and asks less and less often', async () => {
    const { session, asked, packets } = open([ready(5), failed()]);
    await session.read();
    session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(packets()).toBe(5);
    expect(session.state.watch?.trouble).toContain('refused the connection');
    const after = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      return asked.length;
    };
    expect(await after(2000)).toBe(3);
    expect(await after(2000)).toBe(3);
    expect(await after(2000)).toBe(4);
    // Never less than once a minute.
    await after(600_000);
    const before = asked.length;
    expect(await after(60_000)).toBe(before + 1);
  });

  it('does not wait for ever when it was armed before anything was read, or while reading', async () => {
    const early = open([failed()]);
    const first = early.session.read();
    early.session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(await first).toBeUndefined();
    expect(early.session.state.phase).toBe('failed');
    const { session, packets } = open([ready(4), ready(5), failed()]);
    await session.read();
    const again = session.read();
    session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(await again).toBeUndefined();
    expect([session.state.phase, packets()]).toEqual(['ready', 4]);
  });

  it('is quick again, and silent, once it works', async () => {
    const { session, asked } = open([ready(1), failed(), failed(), ready(2)]);
    await session.read();
    session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(6000);
    expect(session.state.watch).toEqual({ on: true, seconds: 1 });
    const before = asked.length;
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked.length).toBe(before + 2);
  });

  it('ends with the pod, and leaves its last counters on screen', async () => {
    const { session, packets } = open([ready(7), gone()]);
    await session.read();
    session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(session.state.watch).toMatchObject({ on: false });
    expect(session.state.watch?.trouble).toContain('reviews-1 is gone');
    expect(packets()).toBe(7);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('says that a pod was restarted, for its counters began anew', async () => {
    const { session, packets } = open([ready(700), ready(3, 'u2 net:2')]);
    await session.read();
    session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(packets()).toBe(3);
    expect(session.state.notes[0]).toContain('new network namespace');
  });

  it('does not watch computed rules', async () => {
    const { session } = open([ready(0, 'u1 ', { way: 'computed' })]);
    await session.read();
    session.watch(true, 1);
    await vi.advanceTimersByTimeAsync(0);
    expect(session.state.watch).toMatchObject({ on: false });
    expect(session.state.watch?.trouble).toContain('computed');
  });
});

describe('comparing', () => {
  it('reads the other pod beside, and again with this one', async () => {
    const { session, asked } = open([ready(1)]);
    await session.read();
    await session.compare(other);
    expect(session.state.compare).toMatchObject({ pod: other, phase: 'ready', readings: [{ id: '4-nft' }] });
    await session.read();
    expect(asked.map((call) => call.place.name)).toEqual(['reviews-1', 'reviews-2', 'reviews-1', 'reviews-2']);
  });

  it('shows why the other one cannot be read, and goes when told', async () => {
    const { session } = open([ready(1), failed()]);
    await session.read();
    await session.compare(other);
    expect(session.state.compare).toMatchObject({ phase: 'failed', readings: [] });
    expect(session.state.compare?.failure?.why).toContain('refused');
    session.stopComparing();
    expect(session.state.compare).toBeUndefined();
    expect(session.state.phase).toBe('ready');
  });
});
