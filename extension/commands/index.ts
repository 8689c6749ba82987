import type { Command } from './define-command.ts';

/** Every command, a line each; package.json's titles and `ids.ts` are compared with this list by a test. */
export const commands: readonly Command[] = [];
