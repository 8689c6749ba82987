import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../mesh/near-miss.ts';
import { UsageError } from './verb.ts';
import type { Terminal, Verb } from './verb.ts';

/** Finds the verb that the arguments name and runs it. Resolves to the exit code; 2 when the call cannot be understood. */
export async function run(verbs: readonly Verb[], terminal: Terminal, version: () => string): Promise<number> {
  const { args } = terminal;
  const verb = findVerb(verbs, args);
  if (verb) return runVerb(verb, { ...terminal, version, args: args.slice(verb.name.length) });
  const [first] = args;
  if (first === '--version' || first === '-v') {
    terminal.out(`${version()}\n`);
    return 0;
  }
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const wanted = first === 'help' ? findVerb(verbs, args.slice(1)) : undefined;
    (first === undefined ? terminal.err : terminal.out)(wanted ? `${wanted.help}\n` : overview(verbs));
    return first === undefined ? 2 : 0;
  }
  const group = verbs.filter(({ name }) => name[0] === first);
  // `meshloom iptables --help`: the verbs of one group.
  if (group.length && (args[1] === '--help' || args[1] === '-h')) {
    terminal.out(overview(group));
    return 0;
  }
  terminal.err(`${describeUnknown(verbs, args)}\n`);
  return 2;
}

/** Longest name first: `iptables explain` before a verb that might be called `iptables`. */
function findVerb(verbs: readonly Verb[], args: string[]): Verb | undefined {
  return [...verbs]
    .sort((a, b) => b.name.length - a.name.length)
    .find(({ name }) => name.every((word, at) => args[at] === word));
}

async function runVerb(verb: Verb, terminal: Terminal): Promise<number> {
  const end = terminal.args.indexOf('--');
  const flags = end < 0 ? terminal.args : terminal.args.slice(0, end);
  if (flags.includes('--help') || flags.includes('-h')) {
    terminal.out(`${verb.help}\n`);
    return 0;
  }
  try {
    return await verb.run(terminal);
  } catch (error) {
    const call = `meshloom ${verb.name.join(' ')}`;
    if (error instanceof UsageError) terminal.err(`${error.message}\n${l10n.t('See {0} --help.', call)}\n`);
    else
      terminal.err(
        `${l10n.t('{0} could not run: {1}', call, error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`,
      );
    return 2;
  }
}

function overview(verbs: readonly Verb[]): string {
  const width = Math.max(...verbs.map(({ name }) => name.join(' ').length));
  const list = verbs.map(({ name, summary }) => `  ${name.join(' ').padEnd(width)}  ${summary}`).join('\n');
  return `${l10n.t('Usage: meshloom VERB [FLAGS] [FILE|-]')}\n\n${list}\n\n${l10n.t('meshloom VERB --help says more about each; --version prints the version.')}\n`;
}

function describeUnknown(verbs: readonly Verb[], args: string[]): string {
  const names = verbs.map(({ name }) => name.join(' '));
  const written =
    args
      .slice(0, 2)
      .filter((word) => !word.startsWith('-'))
      .join(' ') ||
    (args[0] ?? '');
  const inGroup = verbs.filter(({ name }) => name.length > 1 && name[0] === args[0]);
  const nearWord = inGroup.length
    ? findNearMiss(
        args[1] ?? '',
        inGroup.map(({ name }) => name[1] ?? ''),
      )
    : undefined;
  const nearGroup = findNearMiss(args[0] ?? '', [...new Set(verbs.map(({ name }) => name[0] ?? ''))]);
  const near =
    nearWord !== undefined
      ? `${args[0] ?? ''} ${nearWord}`
      : (findNearMiss(written, names) ??
        (nearGroup === undefined ? undefined : names.find((name) => name.startsWith(nearGroup))));
  const told = written.startsWith('-') ? l10n.t('Unknown flag {0}.', written) : l10n.t('Unknown verb "{0}".', written);
  return near === undefined
    ? `${told} ${l10n.t('There are: {0}. See meshloom --help.', names.join(', '))}`
    : `${told} ${l10n.t('Did you mean "{0}"? See meshloom --help.', near)}`;
}
