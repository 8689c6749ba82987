/** What stands where after the nodes were changed, or after that was stopped. Pure. */
import * as l10n from '@vscode/l10n';
import type { PlannedAction } from '../../contract/cni-plugin.ts';
import type { NodeOutcome } from './carry-out.ts';

export interface Said {
  severity: 'information' | 'warning' | 'error';
  message: string;
}

/** In a notification's length. */
export function describeOutcomes(action: PlannedAction, context: string, outcomes: readonly NodeOutcome[]): Said {
  const done = nodesIn(outcomes, 'done');
  const nothing = nodesIn(outcomes, 'nothing');
  const untouched = nodesIn(outcomes, 'untouched');
  const stopped = outcomes.find(({ state }) => state !== 'done' && state !== 'nothing' && state !== 'untouched');
  const parts = [
    ...(stopped ? [whatStopped(stopped)] : []),
    ...(done.length > 0 ? [`${doneWords(action)} ${listed(done)}.`] : []),
    ...(nothing.length > 0 ? [l10n.t('Nothing to do on: {0}.', listed(nothing))] : []),
    ...(untouched.length > 0 ? [l10n.t('Not touched: {0}.', listed(untouched))] : []),
    l10n.t('Context “{0}”.', context),
    ...(done.length > 0 ? [howToUndo(action)] : []),
  ];
  const severity = stopped ? 'error' : untouched.length > 0 ? 'warning' : 'information';
  return { severity, message: parts.filter(Boolean).join(' ') };
}

function nodesIn(outcomes: readonly NodeOutcome[], state: NodeOutcome['state']): string[] {
  return outcomes.flatMap((outcome) => (outcome.state === state ? [outcome.node] : []));
}

function doneWords(action: PlannedAction): string {
  switch (action) {
    case 'install':
      return l10n.t('The CNI plugin is installed on:');
    case 'repair':
      return l10n.t('The CNI chain is repaired on:');
    case 'uninstall':
      return l10n.t('The CNI plugin is taken out on:');
  }
}

function howToUndo(action: PlannedAction): string {
  switch (action) {
    case 'install':
      return l10n.t('To undo: “Mesh: Uninstall CNI Plugin”.');
    case 'repair':
      return l10n.t('The files that were replaced are kept in /var/lib/meshloom on the node.');
    case 'uninstall':
      return '';
  }
}

function whatStopped(outcome: NodeOutcome): string {
  const { node } = outcome;
  const why = 'why' in outcome ? outcome.why : '';
  switch (outcome.state) {
    case 'refused':
      return l10n.t('Stopped at {0}, where nothing was changed: {1}', node, why);
    case 'failed':
      return l10n.t(
        'Stopped at {0}, where it failed on the way; what is there loads. Run it again to finish or undo: {1}',
        node,
        why,
      );
    case 'broken':
      return l10n.t('Stopped at {0}: it was changed, and does not look well. {1}', node, why);
    default:
      return l10n.t(
        'Stopped at {0}, whose answer got lost: it is either as it was or as planned, and loads in both cases. Run it again to find out. {1}',
        node,
        why,
      );
  }
}

/** `n1, n2, n3 and 5 more` */
export function listed(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? l10n.t('{0} and {1} more', shown, names.length - most) : shown;
}

/** Nodes on which our program stays because running pods were connected with it. */
export function keepsBinary(outcomes: readonly NodeOutcome[]): string[] {
  return outcomes.flatMap(({ node, result }) => (result?.plan.binaryKept ? [node] : []));
}
