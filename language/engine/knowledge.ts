import type { ParsedFile } from '../parse.ts';
import type { Kind } from '../kinds.ts';
import type { Readable } from '../rule.ts';
import { Cell } from './reactive.ts';
import { podKinds } from './resource-index.ts';

/** What is known of what is *not* among the resources: kinds that unread files mention, kinds that a cluster lists completely. */
export class Knowledge {
  private readonly mentions = new Map<Kind, number>();
  private readonly cells = new Map<Kind, Cell>();
  private complete: ReadonlySet<Kind> = new Set();
  private hasCluster = false;
  /** Whether files were left unread: then anything may be in them. Whoever changes it has all rules asked again. */
  isPartial = false;

  /** Takes an unread document's mentions in place of those it had before. */
  replace(before: ParsedFile | undefined, after: ParsedFile | undefined): void {
    const added = mentionsOf(after);
    for (const kind of added) this.count(kind, 1);
    for (const kind of mentionsOf(before)) this.count(kind, -1);
  }

  /** @param hasCluster it is a cluster's word; then of every other kind something may lie there that could not be read. */
  setComplete(kinds: ReadonlySet<Kind>, hasCluster: boolean): void {
    const before = this.complete;
    this.complete = kinds;
    if (hasCluster !== this.hasCluster) {
      this.hasCluster = hasCluster;
      for (const cell of this.cells.values()) cell.changed();
      return;
    }
    for (const kind of before) if (!kinds.has(kind)) this.cells.get(kind)?.changed();
    for (const kind of kinds) if (!before.has(kind)) this.cells.get(kind)?.changed();
  }

  mayBeHidden(kind: Kind): boolean {
    this.cell(kind).read();
    return this.isPartial || this.mentions.has(kind) || (this.hasCluster && !this.isComplete(ofCluster(kind)));
  }

  /** Whether a cluster lists all of these, and nothing unread may add some. */
  knowsAll(kinds: readonly Readable[]): boolean {
    return kinds.every((kind) => {
      if (kind === 'AnyPod') return this.isComplete('Pod') && !podKinds.some((pods) => this.mayBeHidden(pods));
      return this.isComplete(kind) && !this.mayBeHidden(kind);
    });
  }

  isComplete(kind: Kind): boolean {
    this.cell(kind).read();
    return this.complete.has(kind);
  }

  private count(kind: Kind, by: 1 | -1): void {
    const before = this.mentions.get(kind) ?? 0;
    if (before + by > 0) this.mentions.set(kind, before + by);
    else this.mentions.delete(kind);
    if (before > 0 !== before + by > 0) this.cells.get(kind)?.changed();
  }

  private cell(kind: Kind): Cell {
    let cell = this.cells.get(kind);
    if (!cell) this.cells.set(kind, (cell = new Cell()));
    return cell;
  }
}

/** Of a cluster's pods it is the pods themselves that are read. */
function ofCluster(kind: Kind): Kind {
  return podKinds.includes(kind) ? 'Pod' : kind;
}

function mentionsOf(file: ParsedFile | undefined): readonly Kind[] {
  return file?.documents.flatMap(({ mentions }) => mentions) ?? [];
}
