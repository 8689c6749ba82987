/** A plan, or what came of it, for people. */
import { join } from 'node:path';
import type { CniVerb } from './command.ts';
import type { CniPaths } from './node-paths.ts';
import type { Outcome } from './outcome.ts';

export function printOutcome({ plan, exit }: Outcome, verb: CniVerb, { confDir }: CniPaths): string {
  const { effective, result, cniVersion, plugins, writes, removes, problems } = plan;
  const planned = verb === 'plan';
  const lines = [
    headline({ plan, exit }, verb),
    '',
    `In force now: ${effective === undefined ? `nothing in ${confDir}` : join(confDir, effective)}`,
    ...(result === undefined || exit !== 0
      ? []
      : [`${planned ? 'Then' : 'In force'}: ${join(confDir, result)}, CNI ${cniVersion ?? '?'}`]),
    ...plugins.map(
      ({ type, supportedVersions, error }) => `  ${type}: ${supportedVersions?.join(', ') ?? error ?? '?'}`,
    ),
    ...(exit === 0
      ? [
          ...writes.flatMap(({ name, content }) => [
            '',
            `${planned ? 'Would write' : 'Wrote'} ${join(confDir, name)}:`,
            ...content
              .trimEnd()
              .split(/\r?\n/)
              .map((line) => `  ${line}`),
          ]),
          ...removes.map((name) => `${planned ? 'Would remove' : 'Removed'} ${join(confDir, name)}`),
        ]
      : []),
    ...(plan.binaryKept
      ? ['', 'The plugin’s program stays: pods that are still running were connected with it. Run again later.']
      : []),
    ...(problems.length > 0
      ? ['', ...problems.map(({ severity, code, message }) => `${severity} ${code}: ${message}`)]
      : []),
    '',
  ];
  return lines.join('\n');
}

function headline({ plan: { action }, exit }: Outcome, verb: CniVerb): string {
  if (exit === 2) return `Refused: nothing ${verb === 'plan' ? 'would be' : 'was'} changed.`;
  if (exit !== 0) return 'It failed on the way. What is there loads; run again to finish or to undo.';
  const would = verb === 'plan' ? 'Would ' : 'Done: ';
  switch (action) {
    case 'insert':
      return `${would}insert the plugin at the end of the list.`;
    case 'convert':
      return `${would}turn the single configuration into a list, or correct the list’s version.`;
    case 'restore':
      return `${would}put the original back.`;
    case 'remove':
      return `${would}take entries or files out.`;
    case 'none':
    case 'refuse':
      return 'Nothing to do.';
  }
}
