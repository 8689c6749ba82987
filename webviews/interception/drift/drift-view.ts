import { html, nothing, type TemplateResult } from 'lit';
import * as l10n from '@vscode/l10n';
import type { InterceptionState, ReadingDrift, ReadingView } from '../../../contract/interception-view.ts';
import type { DriftDifference } from '../../../mesh/interception/find-drift.ts';
import { icon } from '../icons.ts';
import { indexRows } from '../index-rows.ts';
import type { ViewContext } from '../view-context.ts';
import { differencesView, type FindRule } from './difference-view.ts';

/** The comparison of one reading; undefined when the host made none. */
export function driftOf({ drift }: InterceptionState, { id }: ReadingView): ReadingDrift | undefined {
  return drift?.comparisons.find(({ reading }) => reading === id);
}

/** What Istio would have programmed against what is there. */
export function driftView(state: InterceptionState, reading: ReadingView, context: ViewContext): TemplateResult {
  const { drift, origin } = state;
  if (origin?.kind === 'computed')
    return statusView(
      'unknown',
      l10n.t('Nothing to compare: these rules are the expected ones.'),
      l10n.t(
        'They were computed, not read from the pod. Drift needs the real rules: deploy the node helper, then read again.',
      ),
    );
  const comparison = driftOf(state, reading);
  if (!drift)
    return statusView(
      'loading',
      l10n.t('The expected rules are being worked out…'),
      state.phase === 'ready' ? l10n.t('That takes a moment. If it stays so, read again.') : '',
    );
  if (!comparison)
    return statusView(
      'unknown',
      l10n.t('It cannot be told whether {0} is as it should be.', reading.label),
      drift.whyUnknown ??
        l10n.t('No expected rules were worked out for this reading: Istio programs its rules elsewhere.'),
    );
  return html`<div class="drift">
    ${headView(comparison, drift.basis, reading, context)}
    ${differencesView(
      comparison.differences,
      { expected: l10n.t('expected'), actual: l10n.t('actual'), kind: kindLabel },
      findActual(reading, context),
    )}
  </div>`;
}

/** A link to the rule of a reading that a difference is about. */
export function findActual(reading: ReadingView, { goToRule }: ViewContext): FindRule {
  return ({ table, actual }) => {
    if (actual === undefined) return undefined;
    const found = indexRows(reading).rows.find(
      ({ row, chain }) => row.rule === actual && chain.startsWith(`${table}/`),
    );
    return found && { go: () => goToRule(found.index) };
  };
}

/** A state of comparing as a heading with its reason. */
export function statusView(
  status: ReadingDrift['status'] | 'loading',
  title: string,
  why: string,
  actions: unknown = nothing,
): TemplateResult {
  const name = { same: 'check', drift: 'warning', unknown: 'question', loading: 'info' } as const;
  return html`<section class="status status-${status}" role="status">
    ${status === 'loading' ? html`<vscode-progress-ring aria-hidden="true"></vscode-progress-ring>` : icon(name[status])}
    <div>
      <h2>${title}</h2>
      ${why ? html`<p>${why}</p>` : nothing}
    </div>
    ${actions === nothing ? nothing : html`<div class="status-actions">${actions}</div>`}
  </section>`;
}

function headView(
  { status, differences, whyUnknown, expected }: ReadingDrift,
  basis: string | undefined,
  reading: ReadingView,
  { post }: ViewContext,
): TemplateResult {
  const told = basis ? l10n.t('Expected: {0}.', basis.replace(/[.。]$/, '')) : '';
  const actions = expected
    ? html`<vscode-button secondary class="copy-expected" @click=${() => post({ type: 'copy', text: expected })}
          >${icon('copy', 'content-before')}${l10n.t('Copy Expected')}</vscode-button
        ><vscode-button
          secondary
          class="save-expected"
          @click=${() => post({ type: 'save', reading: reading.id, of: 'expected' })}
          >${icon('save', 'content-before')}${l10n.t('Save Expected…')}</vscode-button
        >`
    : nothing;
  switch (status) {
    case 'same':
      return statusView(
        'same',
        l10n.t('No drift: every packet is treated as Istio means it to be.'),
        [
          l10n.t(
            'Compared by what happens to packets, not by text: order and layout may differ where no packet notices.',
          ),
          told,
        ]
          .filter(Boolean)
          .join(' '),
        actions,
      );
    case 'drift':
      return statusView(
        'drift',
        differences.length === 1
          ? l10n.t('Drift: 1 difference changes what happens to packets.')
          : l10n.t('Drift: {0} differences change what happens to packets.', differences.length),
        told,
        actions,
      );
    default:
      return statusView(
        'unknown',
        l10n.t('It cannot be told whether {0} is as it should be.', reading.label),
        [whyUnknown ?? '', told].filter(Boolean).join(' '),
        actions,
      );
  }
}

function kindLabel(kind: DriftDifference['kind']): string {
  switch (kind) {
    case 'missing':
      return l10n.t('Missing rule');
    case 'extra':
      return l10n.t('Extra rule');
    case 'changed':
      return l10n.t('Changed rule');
    case 'order':
      return l10n.t('Other order');
    default:
      return String(kind);
  }
}
