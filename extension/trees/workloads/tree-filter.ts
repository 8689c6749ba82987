import * as l10n from '@vscode/l10n';
import type { NamespaceModel, WorkloadModel } from '../store/mesh-model.ts';
import { isProblem } from '../words.ts';

/** What of the workloads is shown. Nothing set: all. */
export interface TreeFilter {
  /** Part of a workload's or a pod's name, in any case. */
  name?: string;
  /** Only these namespaces. */
  namespaces?: string[];
  /** Only what has a problem, or would be otherwise after a restart. */
  onlyProblems?: boolean;
}

export function isFiltering({ name, namespaces, onlyProblems }: TreeFilter): boolean {
  return Boolean(name) || (namespaces !== undefined && namespaces.length > 0) || onlyProblems === true;
}

/** What a workspace remembers may be of another version, or anything. */
export function readFilter(value: unknown): TreeFilter {
  if (typeof value !== 'object' || value === null) return {};
  const { name, namespaces, onlyProblems } = value as Record<string, unknown>;
  const names = Array.isArray(namespaces) ? namespaces.filter((entry) => typeof entry === 'string') : [];
  return {
    ...(typeof name === 'string' && name.trim() !== '' && { name: name.trim() }),
    ...(names.length > 0 && { namespaces: names }),
    ...(onlyProblems === true && { onlyProblems }),
  };
}

/** For the end of the view's title: `“web” · shop · only problems`. */
export function describeFilter({ name, namespaces = [], onlyProblems }: TreeFilter): string {
  const few = namespaces.length > 2 ? l10n.t('{0} namespaces', namespaces.length) : namespaces.join(', ');
  return [name && `“${name}”`, few, onlyProblems && l10n.t('only problems')].filter(Boolean).join(' · ');
}

export function showsNamespace({ namespaces = [] }: TreeFilter, name: string): boolean {
  return namespaces.length === 0 || namespaces.includes(name);
}

/** The workloads of a namespace that the filter leaves, each with the pods that it leaves. */
export function filterWorkloads(filter: TreeFilter, { workloads }: NamespaceModel): WorkloadModel[] {
  if (!filter.name && !filter.onlyProblems) return workloads;
  return workloads.flatMap((workload) => {
    const pods = workload.pods.filter((entry) => !filter.onlyProblems || isNoteworthy(entry.state));
    const ofItself = workload.state.refusal !== undefined;
    if (filter.onlyProblems && !ofItself && pods.length === 0) return [];
    const named = matching(filter.name, workload, pods);
    return named ? [{ ...workload, pods: named }] : [];
  });
}

/** All of its pods when the workload has the name, else those that have it. */
function matching(
  name: string | undefined,
  { group }: WorkloadModel,
  pods: WorkloadModel['pods'],
): WorkloadModel['pods'] | undefined {
  if (!name) return pods;
  const has = (text = '') => text.toLowerCase().includes(name.toLowerCase());
  if (has(group.name)) return pods;
  const found = pods.filter(({ pod }) => has(pod.metadata?.name));
  return found.length > 0 ? found : undefined;
}

function isNoteworthy({ trouble, differs }: WorkloadModel['pods'][number]['state']): boolean {
  return isProblem(trouble) || differs !== undefined;
}
