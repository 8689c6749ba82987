import * as l10n from '@vscode/l10n';
import type { Hover } from 'vscode-languageserver';
import { literal } from '../../mesh/markdown.ts';
import type { Located, Position } from '../located.ts';
import type { ParsedFile } from '../parse.ts';
import type { Resource } from '../resource.ts';
import { rules } from '../rules/index.ts';
import { bestStructure } from '../schema/structure.ts';
import type { Schema, Structures } from '../schema/structure.ts';
import type { Report } from '../workspace.ts';
import { yamlRules } from '../yaml-rules.ts';
import { describeIstioName } from './describe-istio-name.ts';

const whyOf = new Map([...rules, ...Object.values(yamlRules)].map(({ id, why }) => [id, why]));

/** What there is to know at a place: what the field or Istio's annotation there takes, and why a finding matters. */
export function findHover(
  file: ParsedFile,
  reports: readonly Report[],
  at: Position,
  structures?: Structures,
): Hover | undefined {
  const here = reports.filter(({ range }) => isInside(range, at));
  const place = findPlace(file, at);
  const name = place && describeIstioName(place.resource, place.offset);
  const field = place && !name ? fieldIn(place.resource, place.offset, structures) : undefined;
  const parts = [
    ...(name ? [name.text] : field ? [describeField(field)] : []),
    ...here.flatMap(({ rule, code, docs }) => {
      const why = whyOf.get(rule);
      return why ? [`${why} [${code}](${docs})`] : [];
    }),
  ];
  const range = name?.range ?? field?.key.mark ?? here[0]?.range;
  return parts.length > 0
    ? { contents: { kind: 'markdown', value: [...new Set(parts)].join('\n\n') }, ...(range && { range }) }
    : undefined;
}

interface Field {
  key: Located;
  schema: Schema;
  isRequired: boolean;
}

function findPlace(file: ParsedFile, at: Position): { resource: Resource; offset: number } | undefined {
  const document = file.documents.findLast(({ source }) => source.firstLine <= at.line);
  const offset = document?.source.offset(at) ?? -1;
  const resource = document?.resources.find(({ root }) => root.start <= offset && offset <= root.end);
  return resource && { resource, offset };
}

/** Walks down the value and its schema together, to the key at the offset. */
function fieldIn({ kind, root }: Resource, offset: number, structures: Structures | undefined): Field | undefined {
  let value = root;
  let schema: Schema | undefined = bestStructure(kind, structures)?.schema;
  while (schema) {
    if (value.type === 'list') {
      const item: Located | undefined = value.items.find(({ start, end }) => start <= offset && offset <= end);
      if (!item) return undefined;
      [value, schema] = [item, schema.items];
      continue;
    }
    const entry = value.entries.find(
      (candidate) => candidate.key.start <= offset && offset <= Math.max(candidate.key.end, candidate.value.end),
    );
    if (!entry) return undefined;
    const name = String(entry.key.value);
    const inner: Schema | undefined = Object.hasOwn(schema.properties ?? {}, name)
      ? schema.properties?.[name]
      : extra(schema);
    if (!inner) return undefined;
    if (offset <= entry.key.end)
      return { key: entry.key, schema: inner, isRequired: schema.required?.includes(name) ?? false };
    [value, schema] = [entry.value, inner];
  }
  return undefined;
}

function extra({ additionalProperties }: Schema): Schema | undefined {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

function describeField({ key, schema, isRequired }: Field): string {
  const facts = [
    schema.type && (schema.type === 'array' ? l10n.t('a list of {0}', schema.items?.type ?? 'object') : schema.type),
    isRequired && l10n.t('required'),
    schema.minimum !== undefined && l10n.t('at least {0}', schema.minimum),
    schema.maximum !== undefined && l10n.t('at most {0}', schema.maximum),
    schema.maxLength !== undefined && l10n.t('at most {0} characters', schema.maxLength),
    schema.maxItems !== undefined && l10n.t('at most {0} entries', schema.maxItems),
  ].filter((fact) => typeof fact === 'string');
  const values = schema.enum
    ? `\n\n${l10n.t('One of {0}.', schema.enum.map((value) => code(String(value))).join(', '))}`
    : '';
  const fields = schema.properties ?? schema.items?.properties;
  const names = fields ? `\n\n${l10n.t('Fields: {0}.', Object.keys(fields).map(code).join(', '))}` : '';
  return `**${literal(String(key.value))}**: ${facts.join(', ')}${values}${names}`;
}

/** A cluster's own definitions may name a field or a value as they like. */
function code(text: string): string {
  return /^[\w.-]+$/.test(text) ? `\`${text}\`` : literal(text);
}

function isInside({ start, end }: Report['range'], at: Position): boolean {
  const afterStart = at.line > start.line || (at.line === start.line && at.character >= start.character);
  const beforeEnd = at.line < end.line || (at.line === end.line && at.character <= end.character);
  return afterStart && beforeEnd;
}
