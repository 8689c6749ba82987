import { describe, expect, it } from 'vitest';
import { forDocument, forTerminal, LineCutter, longestLine, splitTime } from './log-text.ts';

describe('cutting a log into lines', () => {
  it('gives lines when they are whole, whatever the pieces', () => {
    const cutter = new LineCutter();
    expect(cutter.add('a')).toEqual([]);
    expect(cutter.add('b\nc\n\nd')).toEqual(['ab', 'c', '']);
    expect(cutter.end()).toEqual(['d']);
    expect(cutter.end()).toEqual([]);
  });

  it('cuts a line that never ends, and says how much is missing', () => {
    const cutter = new LineCutter();
    for (let i = 0; i < 100; i++) expect(cutter.add('x'.repeat(10_000))).toEqual([]);
    const [line] = cutter.add('\n');
    expect(line!.length).toBeLessThan(longestLine + 100);
    expect(line).toMatch(new RegExp(`… \\(\\+${1_000_000 - longestLine}\\)$`));
  });

  it('copes with 100,000 lines in one piece', () => {
    expect(new LineCutter().add('line\n'.repeat(100_000))).toHaveLength(100_000);
  });

  it('takes the time off', () => {
    expect(splitTime('2026-11-21T10:00:00.123456789Z hello')).toEqual({
      time: '2026-11-21T10:00:00.123456789Z',
      text: 'hello',
    });
    expect(splitTime('2026-11-21T10:00:00Z')).toEqual({ time: '2026-11-21T10:00:00Z', text: '' });
    expect(splitTime('unable to retrieve container logs')).toEqual({ text: 'unable to retrieve container logs' });
  });
});

describe('what a container prints', () => {
  it('keeps colours, and ends them with the line', () => {
    expect(forTerminal('\u001b[31mred\u001b[0m')).toBe('\u001b[31mred\u001b[0m\u001b[0m');
    expect(forDocument('\u001b[31mred\u001b[0m')).toBe('red');
  });

  it.each([
    ['clears the screen', 'a\u001b[2J\u001b[Hb', 'ab'],
    ['writes to the clipboard', 'a\u001b]52;c;ZXZpbA==\u0007b', 'ab'],
    ['makes a link', 'a\u001b]8;;https://evil\u001b\\click\u001b]8;;\u001b\\b', 'aclickb'],
    ['asks the terminal for its name', 'a\u001b[cb\u001bZ', 'ab'],
    ['begins a sequence and stops', 'a\u001b[', 'a'],
    ['begins a text that does not end', 'a\u001b]0;title', 'a0;title'],
    ['rings and goes back', 'a\u0007\bb\rc', 'a␇␈b␍c'],
    ['uses one-byte sequences', 'a\u009b2Jb', 'a<9b>2Jb'],
    ['turns the direction', 'user\u202etxt.exe', 'user<U+202E>txt.exe'],
  ])('does not let a line that %s do so', (_, line, shown) => {
    expect(forTerminal(line)).toBe(shown);
    expect(forDocument(line)).toBe(shown);
  });

  it('leaves text, tabs and the end of a Windows line alone', () => {
    expect(forTerminal('grüße\t你好 🙂\r')).toBe('grüße\t你好 🙂');
  });
});
