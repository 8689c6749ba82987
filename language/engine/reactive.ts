/**
 * Who looked at what. A rule's check looks things up; each look-up reads a cell, and when the cell changes, exactly those
 * who read it are stale. Rules run to their end without a pause, so one "current reader" is enough.
 */

/** Something that looks at cells, and has to look again when one of them changed. */
export abstract class Reader {
  private cells: Cell[] = [];

  /** Called once, at the first change of anything it read; until it is run again it hears of no other. */
  protected abstract becameStale(): void;

  /** Does work that may read cells, in place of everything this reader read before. */
  track<T>(work: () => T): T {
    this.forget();
    running.push(this);
    try {
      return work();
    } finally {
      running.pop();
    }
  }

  /** Hears of no change any more. */
  forget(): void {
    for (const cell of this.cells) cell.readers.delete(this);
    this.cells = [];
  }

  /** For {@link Cell} alone. */
  noteRead(cell: Cell): void {
    this.cells.push(cell);
  }

  noteChange(): void {
    this.forget();
    this.becameStale();
  }
}

/** The last one is at work; the others wait for an answer of it. */
const running: Reader[] = [];

/** Something that may change. */
export class Cell {
  readonly readers = new Set<Reader>();

  /** The current reader depends on this from now on. */
  read(): void {
    const current = running.at(-1);
    if (!current || this.readers.has(current)) return;
    this.readers.add(current);
    current.noteRead(this);
  }

  changed(): void {
    if (this.readers.size > 0) for (const reader of [...this.readers]) reader.noteChange();
  }
}

/** Answers that have become doubtful: before anybody who heard them is asked again, they are compared with the new ones. */
export class Doubts {
  private readonly answers = new Set<Answer<unknown>>();

  add(answer: Answer<unknown>): void {
    this.answers.add(answer);
  }

  settle(): void {
    for (const answer of this.answers) {
      this.answers.delete(answer);
      answer.settle();
    }
  }
}

/** What is computed of cells. Who asked is stale only when the answer differs from the one they got, compared as JSON. */
export class Answer<T> extends Reader {
  private readonly doubts: Doubts;
  private readonly compute: () => T;
  private readonly cell = new Cell();
  private value: T | undefined;
  private text: string | undefined;
  private isDoubtful = true;

  constructor(doubts: Doubts, compute: () => T) {
    super();
    this.doubts = doubts;
    this.compute = compute;
  }

  get(): T {
    if (this.isDoubtful) this.ask();
    this.cell.read();
    return this.value as T;
  }

  /** Asks again if somebody still wants to know. */
  settle(): void {
    if (this.isDoubtful && this.cell.readers.size > 0) this.ask();
  }

  protected override becameStale(): void {
    this.isDoubtful = true;
    this.doubts.add(this);
  }

  private ask(): void {
    const before = this.text;
    this.value = this.track(this.compute);
    this.text = JSON.stringify(this.value);
    this.isDoubtful = false;
    if (before !== this.text) this.cell.changed();
  }
}
