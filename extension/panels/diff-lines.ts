/** Two texts, line by line. Pure, and bounded: a file of any size costs at most a fixed amount of work and of screen. */
import * as l10n from '@vscode/l10n';
import type { DiffLineView } from '../../contract/cni-chain-view.ts';

export interface DiffLimits {
  /** Unchanged lines kept around a change. */
  context: number;
  /** Lines that are shown, at most. */
  lines: number;
  /** Characters of a line that are shown, at most. */
  columns: number;
  /** Differences looked for before the rest counts as replaced. */
  edits: number;
}

export const diffLimits: DiffLimits = { context: 3, lines: 600, columns: 400, edits: 800 };

export interface LineDiff {
  lines: DiffLineView[];
  /** Lines that are not shown, as there are too many. */
  omitted: number;
  /** The texts differ so much that part of them is shown as replaced although some lines may be alike. */
  coarse: boolean;
}

/**
 * The difference as one list: what stays, what goes, what comes, and gaps (`gap`, its text is the number of lines).
 * A text without a last line break differs from one with it, and says so in its last line.
 */
export function diffLines(before: string, after: string, limits: DiffLimits = diffLimits): LineDiff {
  const [old, now] = [linesOf(before), linesOf(after)];
  const { start, end } = commonEnds(old, now);
  const middle = shortestEdit(
    old.slice(start, old.length - end),
    now.slice(start, now.length - end),
    Math.max(1, limits.edits),
  );
  const kinds: Kind[] = [...new Array<Kind>(start).fill('same'), ...middle.kinds, ...new Array<Kind>(end).fill('same')];
  const all = numbered(kinds, old, now, limits.columns);
  const shown = withGaps(all, limits.context);
  return {
    lines: shown.slice(0, limits.lines),
    omitted: Math.max(0, shown.length - limits.lines),
    coarse: middle.coarse,
  };
}

type Kind = 'same' | 'removed' | 'added';

/** `\r` stays in its line: a changed line end is a change. */
function linesOf(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  else lines[lines.length - 1] += noLineBreak;
  return lines;
}

/** No text has this sign; it keeps a last line with a break apart from one without. */
const noLineBreak = '\u0000';

function commonEnds(old: string[], now: string[]): { start: number; end: number } {
  const most = Math.min(old.length, now.length);
  let start = 0;
  while (start < most && old[start] === now[start]) start++;
  let end = 0;
  while (end < most - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end++;
  return { start, end };
}

/** Myers' greedy algorithm; gives up after so many edits and calls all of it replaced. */
function shortestEdit(old: string[], now: string[], edits: number): { kinds: Kind[]; coarse: boolean } {
  const most = Math.min(old.length + now.length, edits);
  const furthest = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let edit = 0; edit <= most; edit++) {
    trace.push(new Map(furthest));
    for (let diagonal = -edit; diagonal <= edit; diagonal += 2) {
      const left = furthest.get(diagonal - 1) ?? -1;
      const above = furthest.get(diagonal + 1) ?? -1;
      let x = diagonal === -edit || (diagonal !== edit && left < above) ? above : left + 1;
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x++;
      furthest.set(diagonal, x);
      if (x >= old.length && x - diagonal >= now.length) return { kinds: walkBack(trace, old, now), coarse: false };
    }
  }
  const replaced: Kind[] = [...old.map((): Kind => 'removed'), ...now.map((): Kind => 'added')];
  return { kinds: replaced, coarse: true };
}

function walkBack(trace: Map<number, number>[], old: string[], now: string[]): Kind[] {
  const kinds: Kind[] = [];
  let [x, y] = [old.length, now.length];
  for (let edit = trace.length - 1; edit >= 0; edit--) {
    const furthest = trace[edit]!;
    const diagonal = x - y;
    const left = furthest.get(diagonal - 1) ?? -1;
    const above = furthest.get(diagonal + 1) ?? -1;
    const down = diagonal === -edit || (diagonal !== edit && left < above);
    const previous = down ? diagonal + 1 : diagonal - 1;
    const [fromX, fromY] = edit === 0 ? [0, 0] : [down ? above : left, (down ? above : left) - previous];
    while (x > fromX && y > fromY && x > 0 && y > 0 && old[x - 1] === now[y - 1]) {
      kinds.push('same');
      x--;
      y--;
    }
    if (edit === 0) break;
    kinds.push(down ? 'added' : 'removed');
    [x, y] = [fromX, fromY];
  }
  return kinds.reverse();
}

function numbered(kinds: readonly Kind[], old: string[], now: string[], columns: number): DiffLineView[] {
  let [before, after] = [0, 0];
  return kinds.map((kind) => {
    const text = (kind === 'added' ? now[after] : old[before]) ?? '';
    const line: DiffLineView = { kind, text: shownText(text, columns) };
    if (kind !== 'added') line.before = ++before;
    if (kind !== 'removed') line.after = ++after;
    return line;
  });
}

function shownText(text: string, columns: number): string {
  const whole = text.replace(noLineBreak, '');
  const cut = whole.length > columns ? `${whole.slice(0, columns)} …` : whole;
  return whole === text ? cut : `${cut} ${l10n.t('(no line break at the end)')}`;
}

function withGaps(lines: DiffLineView[], context: number): DiffLineView[] {
  const near = new Array<boolean>(lines.length).fill(false);
  lines.forEach(({ kind }, at) => {
    if (kind === 'same') return;
    const last = Math.min(lines.length - 1, at + context);
    for (let i = Math.max(0, at - context); i <= last; i++) near[i] = true;
  });
  const shown: DiffLineView[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (near[at]) {
      shown.push(lines[at]!);
      continue;
    }
    const from = at;
    while (at + 1 < lines.length && !near[at + 1]) at++;
    // One line hidden would take as much room as the line itself.
    if (at === from) shown.push(lines[at]!);
    else shown.push({ kind: 'gap', text: String(at - from + 1) });
  }
  return shown;
}
