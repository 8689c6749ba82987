/**
 * Takes out what opens doors, before anything of a cluster is written to a file: always, with or without anonymisation. Better
 * a harmless value masked than a password kept.
 */
import type { PlainObject } from '../../contract/cluster-layer.ts';

export const mask = '***';

/** Names of fields, variables and flags whose value is a secret. */
const secretName =
  /(?:^|[-_.]|[a-z0-9](?=[A-Z]))(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key|apikey|access[-_]?key(?:[-_]?id)?|private[-_]?key|credentials?|authorization|cookie|dsn|connection[-_]?string|conn[-_]?str|sas|signature)$/i;
/** What only sounds so: names of Secrets, audiences, switches. Their values say nothing that is not said elsewhere. */
const harmless =
  /^(?:imagePullSecret|pullSecret|secretName|TOKEN_AUDIENCES|JWT_POLICY|CREDENTIAL_FETCHER_TYPE|automountServiceAccountToken)$/;

/** Shapes that are secrets wherever they stand. */
const shapes: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g, mask],
  [/\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]*/g, mask],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@"'<>]{1,500}@/gi, `$1${mask}@`],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${mask}`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, mask],
  [
    /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|xox[abprs]-[A-Za-z0-9-]{10,})/g,
    mask,
  ],
  [/\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}/g, mask],
  [/\bAIza[A-Za-z0-9_-]{30,}/g, mask],
  // A private JSON web key among public ones.
  [/("(?:d|p|q|dp|dq|qi|k)"\s*:\s*")[A-Za-z0-9_-]{20,}(")/g, `$1${mask}$2`],
];

/** `password: x`, `"accessToken":"x"`, `--token=x`, `pwd=x` in a text that is configuration. */
const assignment =
  /((?:password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|authorization|pwd)["']?[ \t]*[:=][ \t]*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s,{}[\]&"';|>]+)/gi;

export interface Masked<T> {
  value: T;
  /** How many values were masked. */
  count: number;
}

/** One object of the cluster. Its Secrets must have been trimmed to names and certificates before. */
export function maskSecrets<T>(object: T): Masked<T> {
  const work = { count: 0 };
  return { value: maskValue(object, '', work, false) as T, count: work.count };
}

interface Work {
  count: number;
}

/** @param isText the string is configuration written as text: look for assignments in it. */
function maskValue(value: unknown, name: string, work: Work, isText: boolean): unknown {
  if (typeof value === 'string') return maskString(value, name, work, isText);
  if (Array.isArray(value)) {
    if (name === 'env') return value.map((each: unknown) => maskVariable(each, work));
    if (name === 'args' || name === 'command') return maskArguments(value, work);
    if (name === 'httpHeaders') return value.map((each: unknown) => maskVariable(each, work));
    return value.map((each: unknown) => maskValue(each, name, work, isText));
  }
  if (typeof value !== 'object' || value === null) return value;
  const isSet = name === 'annotations' || name === 'data';
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, maskValue(each, key, work, isText || isSet)]),
  );
}

function maskString(text: string, name: string, work: Work, isText: boolean): string {
  if (text === '') return text;
  if (isSecretName(name) && !isPath(text)) return masked(work);
  let result = text;
  for (const [shape, replacement] of shapes) result = replaceCounting(result, shape, replacement, work);
  if (!isText) return result;
  return result.replace(assignment, (all, head: string, value: string, at: number) => {
    const bare = value.replace(/^["']|["']$/g, '');
    if (/^(?:|null|~|true|false|\d+|\*+)$/.test(bare) || isPath(bare) || isHarmless(head, result, at)) return all;
    work.count++;
    return `${head}${value.startsWith('"') ? `"${mask}"` : value.startsWith("'") ? `'${mask}'` : mask}`;
  });
}

/** The whole name decides: `imagePullSecret` ends in one of the words. */
function isHarmless(head: string, text: string, at: number): boolean {
  const before = /[\w.-]*$/.exec(text.slice(Math.max(0, at - 40), at))![0];
  return harmless.test(before + head.replace(/["'\s:=]+$/, ''));
}

/** `/var/run/secrets/tokens/istio-token` is a place, not a secret. */
function isPath(text: string): boolean {
  return /^(?:\.{0,2}\/|file:\/\/)[\w./-]+$/.test(text);
}

function isSecretName(name: string): boolean {
  return secretName.test(name) && !harmless.test(name);
}

/** `{ name: DB_PASSWORD, value: … }` */
function maskVariable(variable: unknown, work: Work): unknown {
  if (typeof variable !== 'object' || variable === null) return maskValue(variable, '', work, true);
  const { name, value, ...rest } = variable as PlainObject;
  const others = maskValue(rest, '', work, false) as PlainObject;
  if (typeof value !== 'string') return { name, ...(value !== undefined && { value }), ...others };
  const isSecret = typeof name === 'string' && isSecretName(name) && value !== '' && !isPath(value);
  return { name, value: isSecret ? masked(work) : maskString(value, '', work, true), ...others };
}

/** `--token=x`, and `--token x` in two arguments. */
function maskArguments(list: unknown[], work: Work): unknown[] {
  return list.map((each, at) => {
    const before: unknown = list[at - 1];
    const isBehindFlag =
      typeof before === 'string' && /^--?[\w-]+$/.test(before) && isSecretName(before.replace(/^-+/, ''));
    if (isBehindFlag && typeof each === 'string' && !each.startsWith('-') && !isPath(each)) return masked(work);
    return maskValue(each, '', work, true);
  });
}

function masked(work: Work): string {
  work.count++;
  return mask;
}

function replaceCounting(text: string, shape: RegExp, replacement: string, work: Work): string {
  const found = text.match(shape);
  if (!found) return text;
  work.count += found.length;
  return text.replace(shape, replacement);
}
