import * as l10n from '@vscode/l10n';
import type { Document } from 'yaml';
import { composeDocuments, readableText } from './compose.ts';
import { findIstioGroup, findKind } from './kinds.ts';
import type { Kind } from './kinds.ts';
import { locateDocument, mostValues } from './locate.ts';
import type { YamlProblem } from './locate.ts';
import { Located, Source } from './located.ts';
import { hasPlaceholder, isYetUnknown, isYtt } from './placeholders.ts';
import { readPlainDocument } from './plain-reader.ts';
import { resourceAt } from './resource.ts';
import type { Resource } from './resource.ts';

/** Why something was left in peace. */
export type SkipReason = 'template' | 'conflict' | 'binary' | 'too-large' | 'patch';

/** One slice of a file between `---` lines; nearly always one YAML document. */
export interface ParsedDocument {
  source: Source;
  /** What the text holds, resource or not. */
  roots: Located[];
  /** Resources of kinds that rules know. */
  resources: Resource[];
  problems: YamlProblem[];
  /** It names an apiVersion or a kind, so that what is wrong in it is our business. */
  isManifest: boolean;
  skipped?: SkipReason;
  /** Kinds that a skipped document mentions: it may define them. Of others, kinds of resources whose names are still to be filled in. */
  mentions: Kind[];
  /** Lines (from 0, inside this slice) on which findings are not wanted: codes or rule ids; an empty list means all. */
  disabled: Map<number, string[]>;
}

export interface ParsedFile {
  uri: string;
  documents: ParsedDocument[];
  /** The whole file was not read. */
  skipped?: SkipReason;
}

export interface ParseOptions {
  /** Where a resource without `metadata.namespace` goes. Default `default`. */
  defaultNamespace?: string;
  /** The file as parsed before: documents whose text did not change are taken over as they are. */
  previous?: ParsedFile;
}

/** Above this a file is data, not something a person edits. In UTF-16 code units. */
export const largestFile = 10 * 1024 * 1024;

/**
 * Above this only plain YAML is read (see plain-reader.ts): the whole parser would take longer than anybody waits for a keystroke.
 * In UTF-16 code units, of one document.
 */
const largestIrregular = 400_000;

/** More values than the largest object that the API server takes (1.5 MB) can hold: what is compared with what has an end here. */
const mostValuesOfResource = 50_000;

/** A key that stands twice is told of, a hundred thousand of them are told of a hundred times. */
const mostProblems = 100;

/**
 * Reads manifests: YAML or JSON, one document or many, whole or half-typed. Never throws: what cannot be understood is a
 * problem of its document, and everything else is there.
 */
export function parse(text: string, uri: string, options: ParseOptions = {}): ParsedFile {
  const skipped = whyNotRead(text);
  if (skipped) return { uri, documents: [skippedDocument(uri, skipped === 'conflict' ? text : '', skipped)], skipped };
  const slices = splitDocuments(text);
  const findSame = reuse(options.previous, slices);
  const documents = slices.map(({ text: slice, line }, index) => {
    const same = findSame(index);
    if (!same) return parseSlice(new Source(uri, slice, line), options.defaultNamespace ?? 'default');
    same.source.firstLine = line;
    return same;
  });
  return { uri, documents };
}

/** A file that was found, but whose text nobody read. */
export function refusedFile(uri: string, skipped: SkipReason): ParsedFile {
  return { uri, documents: [skippedDocument(uri, '', skipped)], skipped };
}

/** Whether this file's text is worth parsing at all. */
export function whyNotRead(text: string): SkipReason | undefined {
  if (text.length > largestFile) return 'too-large';
  // YAML allows no control characters but line ends and tabs: what has them is no text.
  if (/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text)) return 'binary';
  if (/^<{7} /m.test(text) && /^>{7} /m.test(text)) return 'conflict';
  return undefined;
}

/** `---` in the first column separates documents wherever it stands: no scalar of any style can hold it. */
function splitDocuments(text: string): { text: string; line: number }[] {
  const slices: { text: string; line: number }[] = [];
  let start = 0;
  let line = 0;
  let lineHere = 0;
  let hasContent = false;
  for (let at = 0; at < text.length;) {
    const next = text.indexOf('\n', at);
    const end = next === -1 ? text.length : next + 1;
    const isSeparator = text.startsWith('---', at) && (at + 3 >= end || ' \t\r\n'.includes(text[at + 3]!));
    if (isSeparator && hasContent) {
      slices.push({ text: text.slice(start, at), line });
      start = at;
      line = lineHere;
    }
    // Directives (%YAML) and comments belong to the document that follows them.
    if (isSeparator) hasContent = true;
    else if (!hasContent) hasContent = !/^([%#]|\s*$)/.test(text.slice(at, Math.min(end, at + 200)));
    at = end;
    lineHere++;
  }
  if (start < text.length) slices.push({ text: text.slice(start), line });
  return slices;
}

type Slice = ReturnType<typeof splitDocuments>[number];

/** Finds the document that was parsed of the same text. At an edit that is nearly every one, where it was: at the beginning, or from the end. */
function reuse(file: ParsedFile | undefined, slices: readonly Slice[]): (index: number) => ParsedDocument | undefined {
  if (!file || file.skipped) return () => undefined;
  const { documents } = file;
  const shift = documents.length - slices.length;
  const isSame = (index: number, slice: number) => documents[index]!.source.text === slices[slice]!.text;
  const most = Math.min(documents.length, slices.length);
  let start = 0;
  while (start < most && isSame(start, start)) start++;
  let end = slices.length;
  while (slices.length - end < most - start && isSame(end - 1 + shift, end - 1)) end--;
  const between = byText(documents.slice(start, end + shift));
  return (index) => {
    if (index < start) return documents[index];
    return index >= end ? documents[index + shift] : between.get(slices[index]!.text)?.pop();
  };
}

function byText(documents: readonly ParsedDocument[]): Map<string, ParsedDocument[]> {
  const known = new Map<string, ParsedDocument[]>();
  for (const document of documents.toReversed()) {
    const same = known.get(document.source.text);
    if (same) same.push(document);
    else known.set(document.source.text, [document]);
  }
  return known;
}

function parseSlice(source: Source, defaultNamespace: string): ParsedDocument {
  if (isTemplate(source.text) || isYtt(source.text)) return template(source);
  const isManifest = manifestKeys.test(source.text);
  const parsed: ParsedDocument = {
    source,
    roots: [],
    resources: [],
    problems: [],
    isManifest,
    mentions: [],
    disabled: findDisabledLines(source.text),
  };
  try {
    readSlice(parsed, defaultNamespace);
  } catch (error) {
    // The parser recurses: a thousand open brackets end in a RangeError, not in a syntax error.
    if (!(error instanceof RangeError)) throw error;
    parsed.resources = [];
    parsed.problems = [{ kind: 'syntax', at: lineMark(source, 0), message: l10n.t('it is nested too deeply') }];
  }
  if (!hasPlaceholder(source.text)) return parsed;
  if (parsed.problems.some(({ kind }) => kind === 'syntax')) return template(source);
  parsed.mentions.push(...parsed.resources.filter(isYetUnknown).map(({ kind }) => kind));
  return parsed;
}

function template({ uri, text, firstLine }: Source): ParsedDocument {
  return skippedDocument(uri, text, 'template', firstLine);
}

function readSlice(parsed: ParsedDocument, defaultNamespace: string): void {
  const { source } = parsed;
  const text = readableText(source.text);
  const plain = readPlainDocument(source, text);
  if (plain && plain.size <= mostValues) return takeRoot(plain, parsed, defaultNamespace, false);
  if (text.length > largestIrregular) return refuseIrregular(parsed);
  for (const document of composeDocuments(text)) readDocument(document, parsed, defaultNamespace);
}

/** It is told of what we know; of a long CustomResourceDefinition nobody asked. */
function refuseIrregular(parsed: ParsedDocument): void {
  const { source } = parsed;
  parsed.mentions = kindsMentionedIn(source.text);
  if (parsed.mentions.length === 0) return;
  const message = l10n.t('it is longer than {0} characters, and not plain YAML or not valid', largestIrregular);
  parsed.problems.push({ kind: 'too-large', at: lineMark(source, 0), message });
}

/** A parser that lost its way reports everything that follows: the first two are what helps. */
const mostSyntaxProblems = 2;

function readDocument(document: Document.Parsed, parsed: ParsedDocument, defaultNamespace: string): void {
  const { source } = parsed;
  const incomplete = document.errors.length > 0;
  for (const error of document.errors.slice(0, mostSyntaxProblems)) {
    const message = error.code === 'RESOURCE_EXHAUSTION' ? l10n.t('it is nested too deeply') : error.message;
    parsed.problems.push({ kind: 'syntax', at: lineMark(source, error.pos[0], error.pos[1]), message });
  }
  const { root, problems } = locateDocument(document, source);
  parsed.problems.push(...(incomplete ? [] : problems.slice(0, mostProblems)));
  if (problems.some(({ kind }) => kind === 'too-large')) return;
  takeRoot(root, parsed, defaultNamespace, incomplete);
}

function takeRoot(root: Located, parsed: ParsedDocument, defaultNamespace: string, incomplete: boolean): void {
  parsed.roots.push(root);
  for (const item of unwrapList(root)) {
    const kind = findKind(item.at('apiVersion').string ?? '', item.at('kind').string ?? '');
    if (kind && item.size > mostValuesOfResource) refuseLarge(item, kind, parsed);
    else if (kind) parsed.resources.push(resourceAt(item, kind, defaultNamespace, incomplete));
    else if (!incomplete) parsed.problems.push(...unknownKind(item));
  }
}

function refuseLarge(item: Located, kind: Kind, parsed: ParsedDocument): void {
  parsed.mentions.push(kind);
  const message = l10n.t('a {0} of more than {1} values fits into no API server', kind, mostValuesOfResource);
  parsed.problems.push({ kind: 'too-large', at: item.at('kind'), message });
}

/**
 * Istio's API groups whose kinds we all know: any other kind there is a slip, and the API server has no place for it. The
 * other way round, a kind of Istio's in a group that is nobody's: `networking.istio.io` without a version, `istio.io/v1`.
 */
function unknownKind(item: Located): YamlProblem[] {
  const [kind, apiVersion] = [item.at('kind'), item.at('apiVersion')];
  const [group = ''] = (apiVersion.string ?? '').split('/');
  if (!kind.string || kind.string.endsWith('List')) return [];
  const isOfIstio = findIstioGroup(kind.string) !== undefined;
  if (isOfIstio && apiVersion.string && (/istio/i.test(apiVersion.string) || apiVersion.string === 'v1'))
    return [{ kind: 'unknown-kind', at: apiVersion, message: kind.string }];
  const isKnownGroup = /^(networking|security|telemetry|extensions)\.istio\.io$/.test(group);
  return isKnownGroup ? [{ kind: 'unknown-kind', at: kind, message: group }] : [];
}

/** `kind: List` and `kind: VirtualServiceList` hold their objects under `items`. */
function unwrapList(root: Located, depth = 0): Located[] {
  if (depth > 8 || !root.at('kind').string?.endsWith('List')) return [root];
  return root.at('items').items.flatMap((item) => unwrapList(item, depth + 1));
}

/** Where a syntax error is shown: from its offset to the end of that line at most, and at least one character. */
function lineMark(source: Source, from: number, to = from + 1): Located {
  const { text } = source;
  let start = Math.min(from, Math.max(0, text.length - 1));
  // Errors at the end of the input are shown on the last thing that was written.
  while (start > 0 && ' \r\n'.includes(text[start]!) && ' \r\n'.includes(text[start - 1]!)) start--;
  const newline = text.indexOf('\n', start);
  const end = Math.max(start, Math.min(to, newline === -1 ? text.length : newline));
  return new Located({
    source,
    type: 'string',
    value: text.slice(start, end),
    start,
    end: Math.max(end, Math.min(start + 1, text.length)),
  });
}

const manifestKeys = /^[ \t{]*["']?(apiVersion|kind)["']?[ \t]*:/m;

/** Go templates outside of comments and block scalars: the text is not YAML yet, whatever a YAML parser makes of it. */
function isTemplate(text: string): boolean {
  if (!text.includes('{{')) return false;
  const readable = /^\s*(\{(?!\{)|\[)/.test(text) ? withoutTextBlocks(text) : text;
  let blockIndent = -1;
  for (const line of readable.split('\n')) {
    const indent = line.search(/[^ \r]/);
    if (indent === -1) continue;
    if (blockIndent >= 0 && indent > blockIndent) continue;
    blockIndent = -1;
    if (line.replace(/(^|\s)#(?!\{).*/, '').includes('{{')) return true;
    if (/(^|[:\s-])[|>][-+0-9]*[ \t]*(#.*)?\r?$/.test(line))
      blockIndent = line.search(/[^ -]/) > indent && line[indent] === '-' ? indent : indent;
  }
  return false;
}

/** JSON without its strings of several lines: what a block scalar is in YAML, such as the templates of an injector. */
function withoutTextBlocks(json: string): string {
  let rest = '';
  let at = 0;
  for (let open = json.indexOf('"'); open !== -1; open = json.indexOf('"', at)) {
    let end = open + 1;
    let hasLines = false;
    for (; end < json.length && json[end] !== '"'; end++) {
      if (json[end] !== '\\') continue;
      end++;
      hasLines ||= json[end] === 'n';
    }
    rest += json.slice(at, open) + (hasLines ? '""' : json.slice(open, end + 1));
    at = end + 1;
  }
  return rest + json.slice(at);
}

function skippedDocument(uri: string, text: string, skipped: SkipReason, firstLine = 0): ParsedDocument {
  const source = new Source(uri, text, firstLine);
  return {
    source,
    roots: [],
    resources: [],
    problems: [],
    isManifest: false,
    skipped,
    mentions: kindsMentionedIn(text),
    disabled: new Map(),
  };
}

function kindsMentionedIn(text: string): Kind[] {
  const mentions = new Set<Kind>();
  const apiVersions = [...text.matchAll(/^[ \t]*["']?apiVersion["']?[ \t]*:[ \t]*["']?([\w./]+)/gm)].map(
    (match) => match[1]!,
  );
  for (const [, name] of text.matchAll(/^[ \t]*["']?kind["']?[ \t]*:[ \t]*["']?(\w+)/gm)) {
    for (const apiVersion of apiVersions) {
      const kind = findKind(apiVersion, name!);
      if (kind) mentions.add(kind);
    }
  }
  return [...mentions];
}

/** `# meshloom-disable-next-line IST0101 ML0001`; without codes: everything. */
function findDisabledLines(text: string): Map<number, string[]> {
  const disabled = new Map<number, string[]>();
  if (!text.includes('meshloom-disable-next-line')) return disabled;
  for (const [index, line] of text.split('\n').entries()) {
    const match = /(?:^|\s)#\s*meshloom-disable-next-line\b([^\r]*)/.exec(line);
    if (match)
      disabled.set(
        index + 1,
        match[1]!.split(/[\s,]+/).filter((code) => /^[\w/-]+$/.test(code) && !code.startsWith('--')),
      );
  }
  return disabled;
}
