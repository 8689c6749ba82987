import * as l10n from '@vscode/l10n';

/** What of a set of keys matters to who reads it. */
export interface Jwks {
  /** Why it is none; undefined when it is one. */
  fault?: string;
  /** One of its keys has its secret half with it. */
  hasPrivateKey: boolean;
}

/** Of each type of key the members it cannot do without: all but `crv` are numbers in Base64. */
const needed: Record<string, string[]> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  oct: ['k'],
};

/**
 * Reads a set of keys that tokens are checked with, or a single key, as JSON (RFC 7517). What a key says of itself beside
 * its numbers is not looked at, nor whether they make sense.
 */
export function readJwks(text: string): Jwks {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { fault: l10n.t('it is no JSON'), hasPrivateKey: false };
  }
  if (!isRecord(parsed)) return { fault: l10n.t('it is no JSON object'), hasPrivateKey: false };
  if (!Object.hasOwn(parsed, 'keys')) return readKeys([parsed]);
  if (parsed.keys === null) return { hasPrivateKey: false };
  return Array.isArray(parsed.keys)
    ? readKeys(parsed.keys)
    : { fault: l10n.t('"keys" is no list'), hasPrivateKey: false };
}

function readKeys(keys: unknown[]): Jwks {
  let hasPrivateKey = false;
  for (const [index, key] of keys.entries()) {
    const reason = isRecord(key) ? whyNoKey(key) : l10n.t('it is no JSON object');
    if (reason) return { fault: l10n.t('key {0}: {1}', index + 1, reason), hasPrivateKey };
    hasPrivateKey ||= isRecord(key) && key.kty !== 'oct' && typeof key.d === 'string';
  }
  return { hasPrivateKey };
}

function whyNoKey(key: Record<string, unknown>): string | undefined {
  const type = key.kty;
  if (typeof type !== 'string' || !Object.hasOwn(needed, type))
    return l10n.t('"kty" must be one of {0}', Object.keys(needed).join(', '));
  const wrong = needed[type]!.find((member) => typeof key[member] !== 'string' || !isFine(member, key[member]));
  if (wrong === undefined) return undefined;
  return Object.hasOwn(key, wrong) ? l10n.t('"{0}" cannot be read', wrong) : l10n.t('"{0}" is missing', wrong);
}

/** Base64 of either alphabet, with or without the signs at its end. */
function isFine(member: string, text: string): boolean {
  const plain = text.replace(/[\r\n]/g, '').replace(/=+$/, '');
  return member === 'crv' ? text !== '' : /^[\w+/-]*$/.test(plain) && plain.length % 4 !== 1;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
