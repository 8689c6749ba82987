import type { Command } from './define-command.ts';
import { explainInjection } from './explain-injection.ts';
import { refresh } from './refresh.ts';

/** Every command, a line each; package.json's titles and `ids.ts` are compared with this list by a test. */
export const commands: readonly Command[] = [refresh, explainInjection];
