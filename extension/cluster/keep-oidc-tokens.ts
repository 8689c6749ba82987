import { open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isScalar, parseDocument } from 'yaml';

/**
 * Puts the tokens that an issuer gave in the place of those that it took back, in the kubeconfig that they came from, and
 * leaves every other byte of the file as it is. As kubectl does it: under the lock `<file>.lock`, and in one step.
 * @returns whether they were written; when not (the file changed meanwhile, or may not be written), the new tokens live
 *   as long as this connection.
 */
export async function keepOidcTokens(
  file: string,
  user: string,
  tokens: Record<'id-token' | 'refresh-token', string>,
): Promise<boolean> {
  const target = await realpath(file).catch(() => file);
  const lock = `${target}.lock`;
  const held = await open(lock, 'wx', 0o600).catch(() => undefined);
  if (!held) return false;
  try {
    const text = await readFile(target, 'utf8');
    const changed = replaceTokens(text, user, tokens);
    if (changed === undefined) return false;
    const temporary = `${target}.${process.pid}.tmp`;
    await writeFile(temporary, changed, { mode: (await stat(target)).mode & 0o777 });
    await rename(temporary, target);
    return true;
  } catch {
    return false;
  } finally {
    await held.close();
    await rm(lock, { force: true });
  }
}

/** What the file says now of the tokens of that user: somebody may have logged in anew meanwhile. */
export async function readOidcTokens(file: string, user: string): Promise<{ idToken?: string; refreshToken?: string }> {
  try {
    const root = parseDocument(await readFile(file, 'utf8')).toJS({ maxAliasCount: 100 }) as {
      users?: { name?: unknown; user?: { 'auth-provider'?: { config?: Record<string, unknown> } } }[];
    } | null;
    const config = root?.users?.find(({ name }) => name === user)?.user?.['auth-provider']?.config ?? {};
    const { 'id-token': idToken, 'refresh-token': refreshToken } = config;
    return {
      ...(typeof idToken === 'string' && { idToken }),
      ...(typeof refreshToken === 'string' && { refreshToken }),
    };
  } catch {
    return {};
  }
}

/** @returns undefined when the text has no such tokens of that user. */
export function replaceTokens(text: string, user: string, tokens: Record<string, string>): string | undefined {
  const document = parseDocument(text);
  if (document.errors.length > 0) return undefined;
  const users = (document.toJS() as { users?: { name?: unknown }[] } | null)?.users;
  const index = Array.isArray(users) ? users.findIndex((entry) => entry?.name === user) : -1;
  if (index < 0) return undefined;
  const edits: { start: number; end: number; value: string }[] = [];
  for (const [key, value] of Object.entries(tokens)) {
    const node = document.getIn(['users', index, 'user', 'auth-provider', 'config', key], true);
    if (!isScalar(node) || !node.range) return undefined;
    // A token has no character that YAML or JSON would read otherwise; quotes are right in both.
    edits.push({ start: node.range[0], end: node.range[1], value: JSON.stringify(value) });
  }
  let result = text;
  for (const { start, end, value } of edits.sort((a, b) => b.start - a.start))
    result = result.slice(0, start) + value + result.slice(end);
  return result;
}
