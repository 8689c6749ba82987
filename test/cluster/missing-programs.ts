import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @returns those of the programs that are not on PATH. */
export function missingPrograms(programs: readonly string[]): string[] {
  return programs.filter((program) => findProgram(program) === undefined);
}

/** The path of a program, looked for as a shell does; Go also where its own installer puts it. */
export function findProgram(program: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin'];
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
