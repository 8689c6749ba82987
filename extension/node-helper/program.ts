import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashOfProgram } from './manifest.ts';

export interface HelperProgram {
  bytes: Uint8Array;
  /** As in its ConfigMap's name and in each of its replies. */
  hash: string;
}

let known: { path: string; program: Promise<HelperProgram> } | undefined;

/**
 * The program that this extension ships, read once.
 * @param extensionPath the extension's directory.
 */
export async function readHelperProgram(extensionPath: string): Promise<HelperProgram> {
  const path = join(extensionPath, 'dist', 'node-helper.js');
  if (known?.path !== path) {
    const program = readFile(path).then((bytes) => ({ bytes, hash: hashOfProgram(bytes) }));
    known = { path, program };
    program.catch(() => (known = undefined));
  }
  return await known.program;
}
