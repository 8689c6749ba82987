/** A plan for a node's CNI directory → a diff per file. Pure. */
import * as l10n from '@vscode/l10n';
import type { PlanFileView, PlanView } from '../../contract/cni-chain-view.ts';
import type { CniAction, CniActionResult } from '../../contract/cni-plugin.ts';
import { diffLines } from './diff-lines.ts';

/** A plan, and what stands in the files now (or stood there, when it was carried out). */
export type ShownPlan = Pick<CniActionResult, 'plan' | 'before'> & {
  action: CniAction;
  /** It was carried out. */
  done: boolean;
};

export function planView({ plan, before, action, done }: ShownPlan): PlanView {
  return {
    title: titleOf(action, done),
    says: saysOf(plan, done),
    refused: plan.action === 'refuse',
    problems: plan.problems.map(({ severity, code, message }) => ({ severity, code, says: message })),
    files: [
      ...plan.writes.map(({ name, content }) => fileView(name, before[name], content)),
      ...plan.removes.map((name) => fileView(name, before[name] ?? '', undefined)),
    ],
  };
}

/** The whole texts of a planned file, for an editor. */
export function textsOf({ plan, before }: Pick<ShownPlan, 'plan' | 'before'>, file: string): [string, string] {
  return [before[file] ?? '', plan.writes.find(({ name }) => name === file)?.content ?? ''];
}

function fileView(name: string, before: string | undefined, after: string | undefined): PlanFileView {
  const { lines, omitted, coarse } = diffLines(before ?? '', after ?? '');
  const note = [
    coarse && l10n.t('The two texts differ very much: they are shown as replaced.'),
    omitted > 0 && l10n.t('{0} more lines are not shown here; open the diff editor for all of them.', omitted),
  ]
    .filter(Boolean)
    .join(' ');
  const change = after === undefined ? 'remove' : before === undefined ? 'create' : 'write';
  return { name, change, lines, ...(note && { note }) };
}

function titleOf(action: CniAction, done: boolean): string {
  switch (action) {
    case 'plan':
    case 'install':
      return done ? l10n.t('What the installation changed') : l10n.t('What an installation would change');
    case 'uninstall':
      return done ? l10n.t('What was given back') : l10n.t('What would be given back');
    case 'repair':
      return done ? l10n.t('What the repair changed') : l10n.t('What a repair would change');
  }
}

function saysOf({ action, writes, removes, result, cniVersion }: CniActionResult['plan'], done: boolean): string {
  if (action === 'refuse') return l10n.t('Refused: nothing is changed. The reasons stand below.');
  if (writes.length === 0 && removes.length === 0) return l10n.t('There is nothing to change.');
  const after = [
    result !== undefined && l10n.t('Afterwards “{0}” is in force.', result),
    cniVersion !== undefined && l10n.t('Every plugin is asked for version {0}.', cniVersion),
  ];
  const nothingYet = !done && l10n.t('Nothing has been changed yet.');
  return [...after, nothingYet].filter(Boolean).join(' ');
}
