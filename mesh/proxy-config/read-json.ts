/** Reading JSON of any shape without trusting it: what is of another type than expected is as if it were absent. */

export type Json = Record<string, unknown>;

export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map((one) => object(one)) : [];
}

/** A list, or the values of a map: several programs have had both. */
export function values(value: unknown): Json[] {
  return Array.isArray(value) ? list(value) : Object.values(object(value)).map((one) => object(one));
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map((one) => text(one)).filter((one) => one !== '') : [];
}

/** Digits: protobuf's JSON writes 64-bit numbers in quotes and wrapped numbers as `{ "value": 5 }`. */
export function number(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'string') return String(value);
  const { value: wrapped } = object(value);
  return typeof wrapped === 'number' || typeof wrapped === 'string' ? String(wrapped) : '';
}

/** The last word of a type's URL: `type.googleapis.com/envoy.config.cluster.v3.Cluster` is a `Cluster`. */
export function typeName(value: unknown): string {
  return text(value).replace(/^.*[./]/, '');
}
