import * as l10n from '@vscode/l10n';
import { readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { compileGlob, isGlob, largestFile, listFiles, manifestFile } from '../language/index.ts';
import type { Workspace } from '../language/index.ts';
import type { Terminal } from './verb.ts';

/** A file to be read, or standard input. */
interface Input {
  /** By which the user knows it; `-` is standard input. */
  name: string;
  path: string;
}

/**
 * Reads what the arguments name into the workspace, each file once, under the name by which the user knows it.
 * @returns false when something could not be read; it is told on stderr, and everything else is there.
 */
export async function collectInputs(
  names: readonly string[],
  workspace: Workspace,
  terminal: Terminal,
): Promise<boolean> {
  let couldReadAll = true;
  const fail: Fail = (name, why) => {
    couldReadAll = false;
    terminal.err(`${l10n.t('Could not read {0}: {1}.', name, why)}\n`);
  };
  const inputs = await listInputs(names, terminal, fail);
  for (const { name, path } of inputs) {
    try {
      if (name === '-') setText(workspace, name, await terminal.stdin());
      else readInto(workspace, name, path);
    } catch (error) {
      fail(name, describe(error));
    }
  }
  return couldReadAll;
}

/** Each file once, in the order of the arguments. */
async function listInputs(names: readonly string[], terminal: Terminal, fail: Fail): Promise<Input[]> {
  const inputs = new Map<string, Input>();
  const add = (name: string, path: string) => {
    if (!inputs.has(path)) inputs.set(path, { name, path });
  };
  for (const name of names) {
    try {
      if (name === '-') add(name, name);
      else for (const file of await listInput(name, terminal, fail)) add(file, resolve(terminal.cwd, file));
    } catch (error) {
      fail(name, describe(error));
    }
  }
  return [...inputs.values()];
}

/** Nothing else waits here, and a thousand small files are read in a tenth of the time when each is simply read. */
function readInto(workspace: Workspace, file: string, path: string): void {
  if (statSync(path).size > largestFile) workspace.refuseFile(file, 'too-large');
  else setText(workspace, file, readFileSync(path, 'utf8'));
}

function setText(workspace: Workspace, name: string, text: string): void {
  if (text.length > largestFile) workspace.refuseFile(name, 'too-large');
  else workspace.setFile(name, text);
}

type Fail = (name: string, why: string) => void;

async function listInput(name: string, terminal: Terminal, fail: Fail): Promise<string[]> {
  const { cwd } = terminal;
  const found = await stat(resolve(cwd, name)).catch((error: unknown) => {
    if (isGlob(name)) return undefined;
    throw error;
  });
  if (!found) return expandGlob(name, cwd, fail);
  // A pipe is read too: `meshloom analyze <(kustomize build overlay)`.
  if (!found.isDirectory()) return [name];
  const files = await listBelow(name, cwd, fail);
  const manifests = files.filter((file) => manifestFile.test(file));
  if (manifests.length === 0) terminal.err(`${l10n.t('There is no .yaml, .yml or .json file in {0}.', name)}\n`);
  return manifests.map((file) => (name === '.' ? file : join(name, file)));
}

/** Globs that the shell did not expand. Only the part behind the last plain folder is matched. */
async function expandGlob(glob: string, cwd: string, fail: Fail): Promise<string[]> {
  const parts = glob.split(sep === '\\' ? /[\\/]/ : '/');
  const plain = parts.findIndex((part, index) => isGlob(part) || index === parts.length - 1);
  const folder = parts.slice(0, plain).join('/') || (glob.startsWith('/') ? '/' : '');
  const matches = compileGlob(parts.slice(plain).join('/'));
  // `k8s/*` means the manifests there, and those below the folders that it matches, as a shell would hand them over.
  const isOpen = !/\.[A-Za-z{}?*,[\]]+$/.test(glob);
  const files = (await listBelow(folder, cwd, fail)).filter((file) =>
    isOpen ? manifestFile.test(file) && foldersOf(file).some(matches) : matches(file),
  );
  if (files.length === 0) throw new Error(l10n.t('no file matches'));
  return files.map((file) => (folder === '' ? file : join(folder, file)));
}

/** The path itself and all folders that it lies in: `a/b/c.yaml`, `a/b`, `a`. */
function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
}

async function listBelow(folder: string, cwd: string, fail: Fail): Promise<string[]> {
  const files: string[] = [];
  const onFailure = (path: string, error: unknown) => fail(join(folder, path), describe(error));
  for await (const batch of listFiles(resolve(cwd, folder), undefined, onFailure)) files.push(...batch);
  return files.sort();
}

function describe(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return l10n.t('there is no such file or directory');
  if (code === 'EACCES' || code === 'EPERM') return l10n.t('you may not read it');
  return error instanceof Error ? error.message : String(error);
}
