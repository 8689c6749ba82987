import * as l10n from '@vscode/l10n';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { compileGlob, isGlob, largestFile, listFiles, manifestFile } from '../language/index.ts';
import type { Workspace } from '../language/index.ts';
import type { Terminal } from './verb.ts';

/**
 * Reads what the arguments name into the workspace, each file once, under the name by which the user knows it.
 * @returns false when something could not be read; it is told on stderr, and everything else is there.
 */
export async function collectInputs(
  names: readonly string[],
  workspace: Workspace,
  terminal: Terminal,
): Promise<boolean> {
  const taken = new Set<string>();
  let couldReadAll = true;
  const fail = (name: string, why: string) => {
    couldReadAll = false;
    terminal.err(`${l10n.t('Could not read {0}: {1}.', name, why)}\n`);
  };
  for (const name of names) {
    if (name === '-') {
      workspace.setFile('-', await terminal.stdin());
      continue;
    }
    try {
      for (const file of await listInput(name, terminal.cwd)) {
        const path = resolve(terminal.cwd, file);
        if (taken.has(path)) continue;
        taken.add(path);
        await readInto(workspace, file, path).catch((error: unknown) => fail(file, describe(error)));
      }
    } catch (error) {
      fail(name, describe(error));
    }
  }
  return couldReadAll;
}

async function readInto(workspace: Workspace, file: string, path: string): Promise<void> {
  const { size } = await stat(path);
  if (size > largestFile) workspace.refuseFile(file, 'too-large');
  else workspace.setFile(file, await readFile(path, 'utf8'));
}

async function listInput(name: string, cwd: string): Promise<string[]> {
  const found = await stat(resolve(cwd, name)).catch((error: unknown) => {
    if (isGlob(name)) return undefined;
    throw error;
  });
  if (!found) return expandGlob(name, cwd);
  if (!found.isDirectory()) return [name];
  const files: string[] = [];
  for await (const batch of listFiles(resolve(cwd, name)))
    files.push(...batch.filter((file) => manifestFile.test(file)));
  return files.sort().map((file) => (name === '.' ? file : join(name, file)));
}

/** Globs that the shell did not expand. Only the part behind the last plain folder is matched. */
async function expandGlob(glob: string, cwd: string): Promise<string[]> {
  const parts = glob.split(sep === '\\' ? /[\\/]/ : '/');
  const plain = parts.findIndex((part, index) => isGlob(part) || index === parts.length - 1);
  const folder = parts.slice(0, plain).join('/') || (glob.startsWith('/') ? '/' : '');
  const matches = compileGlob(parts.slice(plain).join('/'));
  const files: string[] = [];
  for await (const batch of listFiles(resolve(cwd, folder))) files.push(...batch.filter(matches));
  if (files.length === 0) throw new Error(l10n.t('no file matches'));
  return files.sort().map((file) => (folder === '' ? file : join(folder, file)));
}

function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return l10n.t('there is no such file or directory');
  if (code === 'EACCES' || code === 'EPERM') return l10n.t('you may not read it');
  return error instanceof Error ? error.message : String(error);
}
