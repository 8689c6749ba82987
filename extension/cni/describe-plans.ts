/** What a plan means, as a document for a person: what, in which version, what is in the way, what would break. */
import * as l10n from '@vscode/l10n';
import { pluginType, type CniMode, type PlannedAction } from '../../contract/cni-plugin.ts';
import type { CniPlan, PlanProblem } from '../../mesh/cni/cni-plan.ts';
import { pluginRole } from '../../mesh/cni/plugin-roles.ts';
import { isIdle, isRefused, type NodePlans, type PlanGroup } from './node-plans.ts';

export interface PlanSubject {
  context: string;
  action: PlannedAction;
  mode: CniMode;
}

/** As Markdown. */
export function describePlans(plans: NodePlans, subject: PlanSubject): string {
  return [
    `# ${headline(subject)}`,
    '',
    l10n.t('Nothing has been changed. Context “{0}”.', literal(subject.context)),
    ...(subject.action === 'install' ? ['', modeWords(subject.mode)] : []),
    ...plans.groups.flatMap((group) => ['', ...describeGroup(group, subject)]),
    ...plans.silent.flatMap(({ node, why, next }) => [
      '',
      `## ${literal(node)}`,
      '',
      l10n.t('This node gave no answer: nothing is known of it and nothing would be done there.'),
      '',
      literal([why, next].filter(Boolean).join(' ')),
    ]),
    '',
  ].join('\n');
}

function headline({ action }: PlanSubject): string {
  switch (action) {
    case 'install':
      return l10n.t('Plan: install the CNI plugin');
    case 'repair':
      return l10n.t('Plan: repair the CNI chain');
    case 'uninstall':
      return l10n.t('Plan: uninstall the CNI plugin');
  }
}

/** What choosing a mode means for the cluster. */
export function modeWords(mode: CniMode): string {
  return mode === 'chained'
    ? l10n.t(
        'Chained: the plugin becomes the last entry of the list in force, so that it runs for every pod of the node. When its agent is away it lets pods pass.',
      )
    : l10n.t(
        'Stand-alone: the plugin has a file of its own, which never is the one in force. It runs for a pod only where a delegating plugin (Multus, Galaxy) is told to call it: that takes the wiring, too.',
      );
}

function describeGroup(group: PlanGroup, subject: PlanSubject): string[] {
  const { result, nodes, changes } = group;
  const { plan, confDir, binDir } = result;
  return [
    `## ${nodes.map(literal).join(', ')}`,
    '',
    `**${whatHappens(group, subject)}**`,
    '',
    item(l10n.t('Directory: {0}', literal(confDir))),
    ...(binDir ? [item(l10n.t('Programs: {0}', literal(binDir)))] : []),
    item(l10n.t('In force now: {0}', literal(plan.effective ?? l10n.t('nothing')))),
    ...(plan.result ? [item(l10n.t('In force afterwards: {0}', literal(plan.result)))] : []),
    ...(plan.cniVersion ? [item(l10n.t('Version that every plugin is asked for: {0}', literal(plan.cniVersion)))] : []),
    ...changes.map(({ path, before, after }) =>
      item(
        after === undefined
          ? l10n.t('Removed: {0}', literal(path))
          : before === undefined
            ? l10n.t('New: {0}', literal(path))
            : l10n.t('Changed: {0}', literal(path)),
      ),
    ),
    ...plan.plugins.map(({ type, supportedVersions, path, error }) =>
      item(
        supportedVersions
          ? l10n.t('Plugin {0} speaks {1}', literal(type), literal(supportedVersions.join(', ')))
          : l10n.t('Plugin {0}: {1}', literal(type), literal(error ?? path ?? l10n.t('its program is not there'))),
      ),
    ),
    ...describeProblems(plan, subject.action),
  ];
}

/** In a sentence. */
function whatHappens({ result }: PlanGroup, { action }: PlanSubject): string {
  const { plan } = result;
  if (isRefused(result)) return l10n.t('Refused: nothing would be written, because something would break.');
  if (isIdle(plan)) {
    return action === 'repair'
      ? l10n.t('Nothing to repair.')
      : action === 'uninstall'
        ? l10n.t('Nothing to take away: the plugin is not in the configuration.')
        : l10n.t('Nothing to do: the plugin is in the configuration already.');
  }
  switch (plan.action) {
    case 'insert':
      return l10n.t('The plugin is added to “{0}”; every other byte stays.', literal(plan.result ?? ''));
    case 'convert':
      return l10n.t('“{0}” becomes “{1}”.', literal(plan.effective ?? ''), literal(plan.result ?? ''));
    case 'restore':
      return l10n.t('“{0}” is given back.', literal(plan.result ?? ''));
    case 'remove':
      return l10n.t('What does not belong there is taken out; “{0}” is in force then.', literal(plan.result ?? ''));
    default:
      return l10n.t('The files below change.');
  }
}

/** Another mesh's plugin in a chain that ours joins: both would write rules for the same pods. */
export function otherMeshPlugins({ plugins }: Pick<CniPlan, 'plugins'>): string[] {
  return plugins.flatMap(({ type }) => (type !== pluginType && pluginRole(type) === 'mesh' ? [type] : []));
}

/** In a sentence; empty where there is none. */
export function twoPlugins(plan: Pick<CniPlan, 'plugins'>): string {
  const others = otherMeshPlugins(plan);
  if (others.length === 0) return '';
  return l10n.t(
    'The chain has {0} already: both plugins would write rules for the same pods. Take one of them out (Istio’s by its own chart), unless that is what you want to try.',
    others.map(literal).join(', '),
  );
}

function describeProblems(plan: CniPlan, action: PlannedAction): string[] {
  const { problems } = plan;
  const two = action === 'install' ? twoPlugins(plan) : '';
  if (problems.length === 0 && two === '') return [];
  const line = ({ severity, code, message }: PlanProblem) =>
    item(`${severity === 'error' ? l10n.t('Error') : l10n.t('Warning')} ${code}: ${literal(message)}`);
  return ['', `### ${l10n.t('What is wrong, or would be')}`, '', ...(two ? [item(two)] : []), ...problems.map(line)];
}

function item(text: string): string {
  return `- ${text}`;
}

/** Nothing that a node says becomes markup. */
function literal(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|~]/g, '\\$&').replace(/\s+/g, ' ');
}
