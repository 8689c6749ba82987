import type { ScalarValue } from './located.ts';

/**
 * What a plain (unquoted) scalar is to Kubernetes. Its tools read YAML 1.1 (go-yaml v2 by way of sigs.k8s.io/yaml), not
 * the 1.2 that editors assume: `yes` and `on` are booleans, `0755` is octal, and `1:30` stays a string all the same.
 */
export function resolvePlainScalar(text: string): ScalarValue {
  const first = text.charCodeAt(0);
  if (Number.isNaN(first)) return null;
  const known = words.get(text);
  if (known !== undefined) return known;
  // Most scalars are words: only a digit, a sign or a dot can begin a number.
  if ((first < 48 || first > 57) && first !== 43 && first !== 45 && first !== 46) return text;
  return findNumber(text.replaceAll('_', '')) ?? text;
}

const words = new Map<string, ScalarValue>([
  ...['~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
]);

function findNumber(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^[-+]/, '');
  if (/^0[0-7]+$/.test(digits)) return sign * Number.parseInt(digits, 8);
  if (/^(0x[\da-fA-F]+|0o[0-7]+|0b[01]+)$/.test(digits)) return sign * Number(digits);
  if (/^(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/.test(digits)) {
    const number = sign * Number(digits);
    // What no float can hold stays text.
    return Number.isFinite(number) ? number : undefined;
  }
  if (/^\.(inf|Inf|INF)$/.test(digits)) return sign * Number.POSITIVE_INFINITY;
  if (/^\.(nan|NaN|NAN)$/.test(text)) return Number.NaN;
  return undefined;
}
