import type { KubernetesEvent } from '../../../mesh/kubernetes.ts';
import { takeChanges } from '../../../mesh/pods/pod-groups.ts';

/** The events of one namespace by what they are about, kept through changes. */
export class NamespaceEvents {
  readonly #held = new Map<string, KubernetesEvent>();
  readonly #about = new Map<string, KubernetesEvent[]>();

  /** @returns what the events are about that came, changed or went: kind and name. */
  update(events: ReadonlyMap<string, KubernetesEvent>): { kind: string; name: string }[] {
    const touched = new Map<string, { kind: string; name: string }>();
    for (const { before, after } of takeChanges(this.#held, events)) {
      for (const event of [before, after]) {
        const { kind = '', name = '' } = event?.involvedObject ?? {};
        if (event) touched.set(`${kind}/${name}`, { kind, name });
      }
      if (before) this.#remove(before);
      if (after) this.#add(after);
    }
    return [...touched.values()];
  }

  /** They may be about an earlier object of the same name. */
  of(kind: string, namespace: string, name: string): readonly KubernetesEvent[] {
    return this.#about.get(`${kind}/${namespace}/${name}`) ?? none;
  }

  #add(event: KubernetesEvent): void {
    const key = keyOf(event);
    if (key === undefined) return;
    const list = this.#about.get(key);
    if (list) list.push(event);
    else this.#about.set(key, [event]);
  }

  #remove(event: KubernetesEvent): void {
    const key = keyOf(event);
    const list = key === undefined ? undefined : this.#about.get(key);
    if (key === undefined || !list) return;
    const rest = list.filter((each) => each !== event);
    if (rest.length > 0) this.#about.set(key, rest);
    else this.#about.delete(key);
  }
}

const none: readonly KubernetesEvent[] = [];

function keyOf({ involvedObject: about }: KubernetesEvent): string | undefined {
  return about && `${about.kind ?? ''}/${about.namespace ?? ''}/${about.name ?? ''}`;
}
