/** Text that a container printed, made safe for a terminal: colours stay, nothing else commands it. */

/** A line that is longer is cut, so that one cannot fill the memory. */
export const longestLine = 32 * 1024;

/** Cuts text that comes in pieces into lines. */
export class LineCutter {
  #rest = '';
  #dropped = 0;

  /** @returns the lines that are whole now, without their ends. */
  add(text: string): string[] {
    const lines = text.split('\n');
    const last = lines.pop()!;
    if (lines.length === 0) {
      this.#grow(last);
      return [];
    }
    this.#grow(lines[0]!);
    const first = this.#take();
    this.#grow(last);
    return [first, ...lines.slice(1).map((line) => cut(line))];
  }

  /** @returns what came after the last line's end. */
  end(): string[] {
    return this.#rest === '' ? [] : [this.#take()];
  }

  #grow(text: string): void {
    const room = Math.max(0, longestLine + 64 - this.#rest.length);
    this.#rest += text.slice(0, room);
    this.#dropped += Math.max(0, text.length - room);
  }

  #take(): string {
    const line = cut(this.#rest, this.#dropped);
    this.#rest = '';
    this.#dropped = 0;
    return line;
  }
}

function cut(line: string, dropped = 0): string {
  if (line.length <= longestLine && dropped === 0) return line;
  // Not within a character of two halves.
  const end = /[\uD800-\uDBFF]/.test(line[longestLine - 1] ?? '') ? longestLine - 1 : longestLine;
  return `${line.slice(0, end)} … (+${line.length - end + dropped})`;
}

/** `2026-11-21T10:00:00.123456789Z text`, as the API server prints a line with its time. */
export function splitTime(line: string): { time?: string; text: string } {
  const [, time, text] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?(.*)$/s.exec(line) ?? [];
  return time === undefined ? { text: line } : { time, text: text! };
}

const escape = '\u001b';
/*
 * Colours | other sequences: CSI, then OSC, DCS, SOS, PM, APC with their texts, then two-character ones. A text without an
 * end is no text: it would hide the rest of the line.
 */
const sequences = new RegExp(
  `(${escape}\\[[0-9;:]*m)|${escape}\\[[0-?]*[ -/]*[@-~]?|${escape}[\\]PX^_][^\\u0007\\u001b]*(?:\\u0007|${escape}\\\\)|${escape}[ -/]*[0-~]?`,
  'g',
);
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** Marks that turn the direction of what follows, or that nobody sees: a line must read as it was written. */
const invisible = /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/g;

/** A line for a terminal: colours are kept, other control sequences go, single control characters are shown as pictures. */
export function forTerminal(line: string): string {
  let coloured = false;
  const parts = line.replace(/\r$/, '').split(sequences);
  // `split` with one group: text, colour or undefined, text, …
  const shown = parts.map((part, index) => {
    if (index % 2 === 0) return showControls(part ?? '');
    if (part === undefined) return '';
    coloured = true;
    return part;
  });
  return shown.join('') + (coloured ? `${escape}[0m` : '');
}

/** The same without colours, for a document. */
export function forDocument(line: string): string {
  return showControls(line.replace(/\r$/, '').replace(sequences, ''));
}

function showControls(text: string): string {
  return text
    .replace(controls, (char) => {
      const code = char.charCodeAt(0);
      if (code < 0x20) return String.fromCharCode(0x2400 + code);
      return code === 0x7f ? '\u2421' : `<${code.toString(16)}>`;
    })
    .replace(invisible, (char) => `<U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}>`);
}
