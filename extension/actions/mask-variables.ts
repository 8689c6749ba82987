/** Environment variables whose values somebody wrote into a pod, although they are secrets. */
import * as l10n from '@vscode/l10n';

/**
 * The last word of a name says what its value is: `DB_PASSWORD`, `apiToken`, `AWS_SECRET_ACCESS_KEY`; not `TOKEN_AUDIENCE`,
 * `PASSWORD_FILE` or `SECRET_NAME`.
 */
const secretName =
  /(?:password|passwd|passphrase|secret|token|credentials?|api[_.-]?key|access[_.-]?key|private[_.-]?key|secret[_.-]?key|[_.-]pwd|[_.-]pass)\d*$/i;

/** `postgres://user:secret@db/shop` */
const secretInUrl = /^([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):([^\s/@]+)@/i;

/** Deeper than any object of Kubernetes. */
const deepest = 40;

/**
 * A copy in which no such value is left, nor in what kubectl last applied. References to Secrets have no value and stay.
 * @returns the copy, or the object itself where there is nothing to mask, and the names of what was masked.
 */
export function maskVariables<T extends object>(object: T): { object: T; masked: string[] } {
  const masked: string[] = [];
  const copy = walk(object, masked, deepest) as T;
  return { object: masked.length > 0 ? copy : object, masked };
}

function walk(value: unknown, masked: string[], depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth === 0) return value;
  if (Array.isArray(value)) return value.map((item) => walk(item, masked, depth - 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: [string, unknown]) => {
      if (key === 'env' && Array.isArray(item)) return [key, item.map((entry) => maskEntry(entry, masked))];
      if (key === 'kubectl.kubernetes.io/last-applied-configuration') return [key, maskApplied(item, masked)];
      return [key, walk(item, masked, depth - 1)];
    }),
  );
}

function maskEntry(entry: unknown, masked: string[]): unknown {
  if (typeof entry !== 'object' || entry === null) return entry;
  const { name, value } = entry as { name?: unknown; value?: unknown };
  if (typeof name !== 'string' || typeof value !== 'string' || value === '') return entry;
  // `$(OTHER)` is made of another variable, and has no value of its own.
  const isSecret = secretName.test(name) && !/^(?:\$\([\w.-]+\))+$/.test(value);
  const shown = isSecret
    ? l10n.t('(masked, {0} bytes)', Buffer.byteLength(value))
    : value.replace(secretInUrl, (_, before: string) => `${before}:${l10n.t('(masked)')}@`);
  if (shown === value) return entry;
  masked.push(name);
  return { ...entry, value: shown };
}

/** The same object once more, as text. */
function maskApplied(text: unknown, masked: string[]): unknown {
  if (typeof text !== 'string') return text;
  try {
    const { object, masked: found } = maskVariables(JSON.parse(text) as object);
    masked.push(...found);
    return found.length > 0 ? `${JSON.stringify(object)}\n` : text;
  } catch {
    return text;
  }
}
