import * as l10n from '@vscode/l10n';
import type { Located } from '../located.ts';
import type { Schema } from './structure.ts';

/** @returns what limit of its schema a value of the right type breaks, in words; undefined when it keeps them all. */
export function whyOutOfBounds(value: Located, schema: Schema): string | undefined {
  const { number, string } = value;
  if (number !== undefined) {
    const [lowest, highest] = formatRange(schema.format);
    const least = Math.max(schema.minimum ?? -Infinity, lowest);
    const most = Math.min(schema.maximum ?? Infinity, highest);
    if (number < least || (schema.exclusiveMinimum && number === schema.minimum))
      return l10n.t('{0} is too small: at least {1} is allowed.', number, least);
    if (number > most || (schema.exclusiveMaximum && number === schema.maximum))
      return l10n.t('{0} is too large: at most {1} is allowed.', number, most);
    if (schema.multipleOf && number % schema.multipleOf !== 0)
      return l10n.t('{0} is no multiple of {1}.', number, schema.multipleOf);
  }
  if (string !== undefined) {
    // The API server counts characters, not UTF-16 code units.
    const length =
      string.length > (schema.maxLength ?? Infinity) || schema.minLength ? [...string].length : string.length;
    if (length < (schema.minLength ?? 0))
      return length === 0
        ? l10n.t('This must not be empty.')
        : l10n.t('This is too short: at least {0} characters are needed.', schema.minLength!);
    if (length > (schema.maxLength ?? Infinity))
      return l10n.t('This is too long: {0} characters, at most {1} are allowed.', length, schema.maxLength!);
    if (schema.pattern && !matchesPattern(schema.pattern, string))
      return l10n.t('"{0}" does not have the form that is needed here: {1}', string, schema.pattern);
    if (schema.format === 'byte' && !base64.test(string)) return l10n.t('This must be Base64.');
    if (schema.format === 'date-time' && !dateTime.test(string))
      return l10n.t('"{0}" is no point in time: write it as 2026-01-31T23:59:59Z.', string);
  }
  if (value.type === 'list') {
    if (value.items.length < (schema.minItems ?? 0))
      return l10n.t('This list needs at least {0} entries.', schema.minItems!);
    if (value.items.length > (schema.maxItems ?? Infinity))
      return l10n.t('This list has {0} entries; at most {1} are allowed.', value.items.length, schema.maxItems!);
  }
  if (value.type === 'map' && (schema.minProperties !== undefined || schema.maxProperties !== undefined)) {
    // A null that may not be null is dropped before anybody counts.
    const count = value.entries.filter(
      (entry) => entry.value.isSet || mayBeNull(schema, String(entry.key.value)),
    ).length;
    if (count < (schema.minProperties ?? 0)) return l10n.t('This needs at least {0} entries.', schema.minProperties!);
    if (count > (schema.maxProperties ?? Infinity))
      return l10n.t('This has {0} entries; at most {1} are allowed.', count, schema.maxProperties!);
  }
  return undefined;
}

function mayBeNull({ properties, additionalProperties }: Schema, name: string): boolean {
  const property = properties && Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
  return typeof property === 'object' && property.nullable === true;
}

/** As the API server looks at it: not empty, on one line, with its padding. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** The CRDs' `int32` says what Istio can read: beyond it, its webhook cannot, though the API server would let it pass. */
function formatRange(format: string | undefined): [lowest: number, highest: number] {
  return format === 'int32' ? [-0x80000000, 0x7fffffff] : [-Infinity, Infinity];
}

const patterns = new Map<string, RegExp | null>();

/** A cluster's own CRD may have an expression that Go takes and JavaScript does not: then nobody here can tell. */
function matchesPattern(pattern: string, text: string): boolean {
  let regex = patterns.get(pattern);
  if (regex === undefined) patterns.set(pattern, (regex = compile(pattern)));
  return regex?.test(text) ?? true;
}

function compile(pattern: string): RegExp | null {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return null;
  }
}

/** Whether the API server takes the value for this type: 1.0 is a whole number once it is JSON. */
export function hasType(value: Located, type: NonNullable<Schema['type']>): boolean {
  switch (type) {
    case 'object':
      return value.type === 'map';
    case 'array':
      return value.type === 'list';
    case 'integer':
      // 1.0 is a whole number once it is JSON; beyond 64 bits it is none any more.
      return Number.isInteger(value.number) && Math.abs(value.number!) < 2 ** 63;
    case 'number':
      return value.number !== undefined && Number.isFinite(value.number);
    default:
      return value.type === type;
  }
}
