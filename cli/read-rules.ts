import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as l10n from '@vscode/l10n';
import type { Terminal } from './verb.ts';

/** The text of a file of rules; standard input for `-` and for nothing. Undefined when it cannot be read: told on stderr. */
export async function readRules(file: string | undefined, terminal: Terminal): Promise<string | undefined> {
  if (file === undefined || file === '-') return terminal.stdin();
  try {
    return await readFile(resolve(terminal.cwd, file), 'utf8');
  } catch (error) {
    terminal.err(`${describeReadError(file, error)}\n`);
    return undefined;
  }
}

function describeReadError(file: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why: Record<string, () => string> = {
    ENOENT: () =>
      l10n.t(
        'there is no such file. Check the path, or pipe the rules in: iptables-save -c | meshloom iptables explain',
      ),
    EISDIR: () => l10n.t('it is a directory. Name a file with the output of iptables-save'),
    EACCES: () => l10n.t('you may not read it. Run as a user who may, or pipe the rules in'),
  };
  return l10n.t(
    'Could not read the rules from {0}: {1}.',
    file,
    why[code]?.() ?? (error instanceof Error ? error.message : String(error)),
  );
}
