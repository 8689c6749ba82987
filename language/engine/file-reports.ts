import type { Report } from './report.ts';
import { inOrder } from './report.ts';

/**
 * The reports of all files, each file's made anew only after something in it, or something it points to, has changed.
 * Files in which nothing is wrong are not in it.
 */
export class FileReports {
  private readonly make: (uri: string) => Report[];
  private readonly stale = new Set<string>();
  /** Since somebody last asked which files changed. */
  private readonly changed = new Set<string>();
  private reports = new Map<string, Report[]>();
  private isSorted = true;
  /** Files whose reports name places in a file: they move with it. */
  private readonly pointingTo = new Map<string, Set<string>>();
  private readonly targets = new Map<string, Set<string>>();

  constructor(make: (uri: string) => Report[]) {
    this.make = make;
  }

  /** The file's own text changed: what stands in it, and what points into it. */
  moved(uri: string): void {
    this.stale.add(uri);
    for (const other of this.pointingTo.get(uri) ?? []) this.stale.add(other);
  }

  touched(uri: string): void {
    this.stale.add(uri);
  }

  touchedAll(): void {
    for (const uri of this.reports.keys()) this.stale.add(uri);
  }

  of(uri: string): readonly Report[] {
    this.refresh();
    return this.reports.get(uri) ?? [];
  }

  /** All, by the names of the files. A view: it changes with the next edit. */
  all(): ReadonlyMap<string, Report[]> {
    this.refresh();
    if (!this.isSorted) this.reports = new Map([...this.reports].sort(([a], [b]) => (a < b ? -1 : 1)));
    this.isSorted = true;
    return this.reports;
  }

  /** The files whose reports may be others than at the last call. */
  takeChanged(): Set<string> {
    this.refresh();
    const changed = new Set(this.changed);
    this.changed.clear();
    return changed;
  }

  private refresh(): void {
    for (const uri of this.stale) {
      const reports = inOrder(this.make(uri));
      if (reports.length > 0) {
        if (!this.reports.has(uri)) this.isSorted = false;
        this.reports.set(uri, reports);
      } else this.reports.delete(uri);
      this.noteTargets(uri, reports);
      this.changed.add(uri);
    }
    this.stale.clear();
  }

  private noteTargets(uri: string, reports: readonly Report[]): void {
    const before = this.targets.get(uri);
    const now = new Set(reports.flatMap(({ related }) => related.map((other) => other.uri)));
    now.delete(uri);
    for (const target of before ?? []) if (!now.has(target)) this.pointingTo.get(target)?.delete(uri);
    for (const target of now) {
      const pointing = this.pointingTo.get(target);
      if (pointing) pointing.add(uri);
      else this.pointingTo.set(target, new Set([uri]));
    }
    if (now.size > 0) this.targets.set(uri, now);
    else this.targets.delete(uri);
  }
}
