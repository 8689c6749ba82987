/**
 * What may be typed here: names of things that are there, fields and values of the structure, Istio's labels and annotations
 * where they may stand. The text is half-typed by nature, so that it is not the parsed file that is asked but the text.
 */
import * as l10n from '@vscode/l10n';
import { CompletionItemKind } from 'vscode-languageserver';
import type { CompletionItem, CompletionList } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { catalogue, describeEntry, mayStandOn } from '../../mesh/injection/annotation-catalogue.ts';
import type { CatalogueEntry } from '../../mesh/injection/annotation-catalogue.ts';
import { findKind, isNamespaced, podTemplatePaths } from '../kinds.ts';

import { bestStructure, findStructure, schemaOf } from '../schema/structure.ts';
import type { Schema, Structures } from '../schema/structure.ts';
import { findCursor, textAt, valueAt } from './completion/cursor.ts';
import type { Cursor } from './completion/cursor.ts';
import type { Name, Names } from './completion/names.ts';
import { namesForKey, namesForValue } from './completion/places.ts';
import type { Place } from './completion/places.ts';

/** More than these are sent only as what is typed narrows them down. */
const most = 400;

export interface CompletionOptions {
  /** Asked for when the kind of the resource is known. */
  names: () => Names;
  /** Where resources without a namespace go. */
  defaultNamespace?: string;
  /** Of the cluster's own definitions; absent: Istio's. */
  structures?: Structures;
  /** What was typed, when typing asked. */
  trigger?: string;
}

/** @returns an empty list where nothing is known; undefined never. */
export function listCompletions(document: TextDocument, offset: number, options: CompletionOptions): CompletionList {
  const nothing: CompletionList = { isIncomplete: false, items: [] };
  const cursor = findCursor(document.getText(), offset);
  // A blank asks behind `host:`, not in the indentation.
  if (!cursor || (cursor.role === 'key' && options.trigger === ' ' && !cursor.flow)) return nothing;
  const place = placeOf(cursor, options.defaultNamespace ?? 'default');
  if (!place) return nothing;
  const candidates = candidatesAt(cursor, place, options);
  const typed = cursor.typed.toLowerCase();
  const fitting = candidates.filter(({ label }) => label.toLowerCase().includes(typed));
  const kept = (candidates.length > most ? fitting : candidates).slice(0, most);
  const range = { start: document.positionAt(cursor.start), end: document.positionAt(cursor.end) };
  return {
    isIncomplete: candidates.length > most,
    items: kept.map(({ label, insert, ...rest }, at) => ({
      ...rest,
      label,
      filterText: label,
      sortText: `${String(at).padStart(4, '0')}`,
      textEdit: { range, newText: insert },
    })),
  };
}

type Candidate = Omit<CompletionItem, 'textEdit' | 'filterText' | 'sortText'> & { insert: string };

/** The resource around the cursor; in a `List`, the item. */
function placeOf(cursor: Cursor, defaultNamespace: string): (Place & { version: string }) | undefined {
  let { root, path } = cursor;
  if (path[0] === 'items' && typeof path[1] === 'number')
    [root, path] = [valueAt(root, path.slice(0, 2)), path.slice(2)];
  const apiVersion = textAt(root, ['apiVersion']) ?? '';
  const kind = findKind(apiVersion, textAt(root, ['kind']) ?? '');
  if (!kind) return undefined;
  const namespace = isNamespaced(kind) ? (textAt(root, ['metadata', 'namespace']) ?? defaultNamespace) : '';
  return { kind, namespace, root, path, version: apiVersion.slice(apiVersion.indexOf('/') + 1) };
}

function candidatesAt(
  cursor: Cursor,
  place: Place & { version: string },
  { names, structures }: CompletionOptions,
): Candidate[] {
  const schema = schemaAt(place, structures);
  const isKey = cursor.role === 'key' || (cursor.item && isMapSchema(schema));
  if (isKey) {
    const known = istioNames(place);
    if (known) return known.map((entry) => ofCatalogue(entry, cursor));
    const taken = valueAt(place.root, place.path);
    return [
      ...namesForKey(names(), place).map((name) => ofName(name, cursor, true)),
      ...fieldsOf(schema, place)
        .filter(({ label }) => !(taken instanceof Map) || !taken.has(label) || cursor.typed === label)
        .map((field) => ({ ...field, insert: fieldText(field, cursor) })),
    ];
  }
  const found = [
    ...valuesOf(schema).map((value) => ({ name: value, from: l10n.t('of the structure') })),
    ...labelSwitches(place),
    ...namesForValue(names(), place),
  ];
  const isText = schema?.type !== 'integer' && schema?.type !== 'number' && schema?.type !== 'boolean';
  return found.map((name) => ofName(name, cursor, false, isText && !isPort(place)));
}

function isPort({ path }: Place): boolean {
  return path.at(-1) === 'port';
}

function isMapSchema(schema: Schema | undefined): boolean {
  return schema?.type === 'object' || schema?.properties !== undefined;
}

/** The schema of what stands at the path; undefined where it is not known. */
function schemaAt(
  { kind, version, path }: Place & { version: string },
  structures: Structures | undefined,
): Schema | undefined {
  const structure = bestStructure(kind, structures);
  let schema: Schema | undefined = structure && { type: 'object', ...schemaOf(structure, version) };
  for (const step of path) {
    if (!schema) return undefined;
    const { properties, additionalProperties, items } = schema;
    if (typeof step === 'number') schema = items;
    else if (properties && Object.hasOwn(properties, step)) schema = properties[step];
    else schema = typeof additionalProperties === 'object' ? additionalProperties : undefined;
  }
  return schema;
}

interface Field extends Omit<Candidate, 'insert'> {
  type: Schema['type'];
}

function fieldsOf(schema: Schema | undefined, { path, kind }: Place): Field[] {
  const own = Object.entries(schema?.properties ?? {}).map(([label, field]) => describeField(label, field, schema!));
  if (path.length === 0 && schema)
    own.push(...['metadata'].map((label): Field => ({ label, type: 'object', kind: CompletionItemKind.Field })));
  if (path.length === 1 && path[0] === 'metadata' && findStructure(kind))
    own.push(
      ...(['name', 'namespace', 'labels', 'annotations'] as const).map((label): Field => ({
        label,
        type: label.endsWith('s') ? 'object' : 'string',
        kind: CompletionItemKind.Field,
      })),
    );
  return own;
}

function describeField(label: string, field: Schema, { required }: Schema): Field {
  const facts = [
    field.type === 'array' ? l10n.t('a list of {0}', field.items?.type ?? 'object') : field.type,
    required?.includes(label) && l10n.t('required'),
  ].filter((fact) => typeof fact === 'string');
  return {
    label,
    type: field.type,
    kind: CompletionItemKind.Field,
    detail: facts.join(', '),
    ...(field.enum && { documentation: l10n.t('One of {0}.', field.enum.join(', ')) }),
  };
}

/** With what it needs to go on: a blank, a deeper line, an item. */
function fieldText({ label, type }: Field, { flow, indent, quoted }: Cursor): string {
  if (quoted) return label;
  if (flow) return `${label}: `;
  const deeper = ' '.repeat(indent + 2);
  if (type === 'object') return `${label}:\n${deeper}`;
  if (type === 'array') return `${label}:\n${deeper}- `;
  return `${label}: `;
}

function valuesOf(schema: Schema | undefined): string[] {
  if (schema?.enum) return schema.enum.map(String);
  return schema?.type === 'boolean' ? ['true', 'false'] : [];
}

/** Istio's annotations or labels, when the cursor is among the metadata's; undefined elsewhere. */
function istioNames({ kind, path, root }: Place): CatalogueEntry[] | undefined {
  const [metadata, carrier] = path.slice(-2);
  if (metadata !== 'metadata' || (carrier !== 'labels' && carrier !== 'annotations')) return undefined;
  const owner = path.slice(0, -2).join('/');
  const isPod = podTemplatePaths[kind]?.join('/') === owner;
  if (owner !== '' && !isPod) return undefined;
  const taken = valueAt(root, path);
  return catalogue.filter(
    (entry) =>
      `${entry.carrier}s` === carrier &&
      !entry.deprecated &&
      !entry.hidden &&
      mayStandOn(entry, isPod ? 'Pod' : kind) &&
      !(taken instanceof Map && taken.has(entry.name)),
  );
}

/** Values of labels and annotations that are switches. */
function labelSwitches({ path }: Place): Name[] {
  const [carrier, name] = path.slice(-2);
  if (carrier !== 'labels' && carrier !== 'annotations') return [];
  const from = l10n.t('of Istio');
  const choices = (...values: string[]) => values.map((value) => ({ name: value, from }));
  if (name === 'istio-injection') return choices('enabled', 'disabled');
  if (name === 'istio.io/dataplane-mode') return choices('ambient', 'none');
  const entry = catalogue.find((each) => each.name === name && `${each.carrier}s` === carrier);
  if (name === 'sidecar.istio.io/inject' || entry?.format === 'boolean') return choices('true', 'false');
  if (entry?.format === 'interception-mode') return choices('REDIRECT', 'TPROXY', 'NONE');
  return [];
}

function ofCatalogue(entry: CatalogueEntry, { flow, quoted }: Cursor): Candidate {
  const { meaning, notes } = describeEntry(entry);
  return {
    label: entry.name,
    kind: CompletionItemKind.Property,
    detail: entry.status,
    documentation: [meaning, ...notes].filter(Boolean).join('\n\n'),
    insert: quoted ? entry.name : flow || entry.format !== 'boolean' ? `${entry.name}: ` : `${entry.name}: `,
  };
}

function ofName({ name, from, about }: Name, cursor: Cursor, isKey: boolean, isText = true): Candidate {
  const value =
    cursor.quoted || (!isText && /^\d+$/.test(name)) ? name : isText ? quoteIfNeeded(name, cursor.flow) : name;
  const text = isKey && !cursor.quoted ? `${value}: ` : value;
  return {
    label: name,
    kind: isKey ? CompletionItemKind.Property : CompletionItemKind.Value,
    ...((from || about) && { detail: [from, about].filter(Boolean).join(' · ') }),
    insert: cursor.needsSpace ? ` ${text}` : text,
  };
}

/** A string that YAML would read as something else, or not at all, is written in quotes. */
function quoteIfNeeded(text: string, isFlow: boolean): string {
  const isOther = /^(?:true|false|yes|no|on|off|null|~|[-+.]?\d[\d._eExXa-fA-F+:-]*|\.(?:inf|nan))$/i.test(text);
  const isSpecial = /^[*&!|>%@`"'#{}[\],?:-]|: |\s#|\s$|^$/.test(text) || (isFlow && /[,{}[\]]/.test(text));
  return isOther || isSpecial ? JSON.stringify(text) : text;
}
