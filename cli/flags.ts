import * as l10n from '@vscode/l10n';
import { parseArgs } from 'node:util';
import type { ParseArgsOptionsConfig } from 'node:util';
import { findNearMiss } from '../mesh/near-miss.ts';
import { UsageError } from './verb.ts';

/** Splits arguments into flags and positionals; an unknown flag is a {@link UsageError} that offers the near miss. */
export function readFlags<T extends ParseArgsOptionsConfig>(args: string[], options: T) {
  for (const arg of args) {
    if (arg === '--') break;
    if (!arg.startsWith('-') || arg === '-' || /^-\d/.test(arg)) continue;
    const name = arg.replace(/^--?/, '').split('=')[0] ?? '';
    const known = Object.entries(options).some(([long, { short }]) =>
      arg.startsWith('--') ? long === name : short === name.slice(0, 1),
    );
    if (known) continue;
    const near = findNearMiss(name, Object.keys(options));
    throw new UsageError(
      near === undefined
        ? l10n.t('Unknown flag {0}.', arg)
        : l10n.t('Unknown flag {0}. Did you mean --{1}?', arg, near),
    );
  }
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The value of a flag that takes one of a few words. */
export function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === value);
  if (found !== undefined) return found;
  const near = findNearMiss(value, allowed);
  throw new UsageError(
    near === undefined
      ? l10n.t('{0} takes {1}, not "{2}".', flag, allowed.join(', '), value)
      : l10n.t('{0} takes {1}, not "{2}". Did you mean {3}?', flag, allowed.join(', '), value, near),
  );
}
