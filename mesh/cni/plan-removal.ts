/** Taking an installation back: the old bytes where nobody else wrote since, otherwise our entry alone. */
import * as l10n from '@vscode/l10n';
import {
  type CniDirectoryEntry,
  type CniPlan,
  emptyPlan,
  instantsOf,
  loadable,
  type PlanProblem,
  refuse,
} from './cni-plan.ts';
import { removePlugins } from './edit-cni-text.ts';
import { UnreadableJson } from './json-text.ts';
import { parseCniFile } from './parse-cni-file.ts';
import { isOurText, placesOf, type TouchedFile } from './plan-installation.ts';
import { isStandalone, listStandalone } from './plan-standalone.ts';
import { findChainTarget, removeInline } from './chain-target.ts';

export interface RemovalInput {
  entries: readonly CniDirectoryEntry[];
  /** What installations did here; empty when that is not known any more. */
  touched: readonly TouchedFile[];
  /** Our plugin: `meshloom-cni`. */
  type: string;
}

/** Decides what an uninstallation writes. */
export function planRemoval({ entries, touched, type }: RemovalInput): CniPlan {
  const [first] = loadable(entries);
  const plan: CniPlan = { ...emptyPlan(entries, []), ...(first && { effective: first.name }) };
  const isAsWritten = (file: TouchedFile) => {
    const there = entries.find(({ name }) => name === file.name);
    return there ? isOurText(file, there.content) : file.wrote === null;
  };
  const restored: TouchedFile[] = touched.filter((file) => {
    if (!isAsWritten(file) || file.wrote === file.original) return false;
    const leader = touched.find(({ name }) => name === file.follows);
    return leader === undefined || isAsWritten(leader);
  });
  const names = new Set(restored.map(({ name }) => name));
  // Whoever edited it: a file that holds ours alone is ours.
  const alone = listStandalone(entries, touched, type).filter((name) => !names.has(name));
  const edits = entries
    .filter(({ name }) => !names.has(name) && !alone.includes(name))
    .map((entry) => withoutEntry(entry, type));
  const problems = edits.flatMap(({ problem }) => problem ?? []);
  const edited = edits.flatMap(({ write }) => write ?? []);
  const restores = restored.flatMap(({ name, original }) => (original === null ? [] : [{ name, content: original }]));
  const done: CniPlan = {
    ...plan,
    action: edited.length + alone.length > 0 ? 'remove' : restored.length > 0 ? 'restore' : 'none',
    writes: [...restores, ...edited],
    removes: [...restored.flatMap(({ name, original }) => (original === null ? [name] : [])), ...alone],
  };
  if (problems.length > 0) return refuse(plan, ...problems);
  return afterwards(entries, done, type);
}

/** A file's text without the entries of a plugin; as it is where it has none, or nothing else. */
export function textWithout(name: string, content: string, type: string): string {
  return withoutEntry({ name, content }, type).write?.content ?? content;
}

function withoutEntry(
  entry: CniDirectoryEntry,
  type: string,
): { write?: CniPlan['writes'][number]; problem?: PlanProblem } {
  const { name, content } = entry;
  if (entry.directory || content === undefined) return {};
  const file = parseCniFile(entry);
  const places = file.list && file.kind === 'conflist' ? placesOf(file.list, type) : [];
  const target = findChainTarget([entry], file);
  const inline = target?.kind === 'inline' && target.isList ? placesOf(target.list, type) : [];
  if (places.length + inline.length === 0) return {};
  try {
    const delegating = target?.kind === 'inline' ? removeInline(content, target, inline) : content;
    return { write: { name, content: places.length > 0 ? removePlugins(delegating, places) : delegating } };
  } catch (error) {
    if (!(error instanceof UnreadableJson)) throw error;
    const message = l10n.t(
      '“{0}” holds nothing but “{1}”: without it the file would not load. Put a network plugin there first, or remove the file.',
      name,
      type,
    );
    return { problem: { severity: 'error', code: 'ML2004', message, plugin: type } };
  }
}

/** Names what is in force then. A directory that loaded must not stop loading on the way. */
function afterwards(entries: readonly CniDirectoryEntry[], plan: CniPlan, type: string): CniPlan {
  const loads = (instant: readonly CniDirectoryEntry[]) => {
    const [first] = loadable(instant);
    // One that holds ours alone connects no pod: taking it away takes no network away.
    return first && parseCniFile(first).list && !isStandalone(first, type) ? first : undefined;
  };
  const instants = instantsOf(entries, plan);
  if (loads(entries) && instants.some((instant) => !loads(instant))) {
    const message = l10n.t(
      'Other files of the directory were changed since: taking ours back would leave the runtime with nothing to load. Put a network’s configuration there first.',
    );
    return refuse(plan, { severity: 'error', code: 'ML2011', message });
  }
  const last = loads(instants.at(-1) ?? entries);
  const version = last && parseCniFile(last).list?.cniVersion;
  return { ...plan, ...(last && { result: last.name }), ...(version && { cniVersion: version }) };
}
