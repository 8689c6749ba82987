/** What waits to be done: what came last goes before what could not be done in time, so that a keystroke does not wait for a whole folder. */
export class RunQueue<T> {
  private readonly fresh = new Set<T>();
  private readonly backlog = new Set<T>();

  add(item: T): void {
    this.backlog.delete(item);
    this.fresh.add(item);
  }

  delete(item: T): void {
    this.fresh.delete(item);
    this.backlog.delete(item);
  }

  get isEmpty(): boolean {
    return this.fresh.size === 0 && this.backlog.size === 0;
  }

  /** Does what is fresh, also what becomes it on the way. @returns whether all was done before the deadline. */
  doFresh(deadline: number, work: (item: T) => void): boolean {
    if (doAll(this.fresh, deadline, work)) return true;
    for (const item of this.fresh) this.backlog.add(item);
    this.fresh.clear();
    return false;
  }

  doBacklog(deadline: number, work: (item: T) => void): boolean {
    return doAll(this.backlog, deadline, work);
  }
}

function doAll<T>(items: Set<T>, deadline: number, work: (item: T) => void): boolean {
  for (const item of items) {
    if (performance.now() > deadline) return false;
    items.delete(item);
    work(item);
  }
  return true;
}
