import { html, nothing, type TemplateResult } from 'lit';
import { until } from 'lit/directives/until.js';
import * as l10n from '@vscode/l10n';
import type { CompareView, InterceptionState, ReadingDrift, ReadingView } from '../../../contract/interception-view.ts';
import type { DriftDifference } from '../../../mesh/interception/find-drift.ts';
import { differencesView } from '../drift/difference-view.ts';
import { findActual, statusView } from '../drift/drift-view.ts';
import { failureView } from '../failure-view.ts';
import { icon } from '../icons.ts';
import type { ViewContext } from '../view-context.ts';
import { compareReadings, counterpart, knownComparison } from './compare-readings.ts';

/** This pod's rules against another pod's: by what happens to packets. */
export function compareView(state: InterceptionState, reading: ReadingView, context: ViewContext): TemplateResult {
  const { compare } = state;
  if (!compare) return inviteView(context);
  return html`<div class="compare">
    ${pairView(state, compare, context)}
    ${compare.phase === 'failed' && compare.failure ? failureView(compare.failure, context) : nothing}
    ${compare.phase === 'loading' ? statusView('loading', l10n.t('Reading the rules of {0}…', compare.pod.name), '') : nothing}
    ${compare.phase === 'ready' ? resultView(state, compare, reading, context) : nothing}
  </div>`;
}

function inviteView({ post }: ViewContext): TemplateResult {
  return html`<section class="empty">
    ${icon('swap')}
    <p>${l10n.t('Put another pod beside this one and see which packets the two treat differently.')}</p>
    <vscode-button class="choose-pod" @click=${() => post({ type: 'compare' })}
      >${icon('swap', 'content-before')}${l10n.t('Choose a Pod…')}</vscode-button
    >
  </section>`;
}

function pairView(
  { pod }: InterceptionState,
  { pod: other, origin }: CompareView,
  { post }: ViewContext,
): TemplateResult {
  return html`<div class="pair">
    <p>
      <span class="sign plus" aria-hidden="true">+</span><b>${pod.name}</b> <span class="of">${pod.namespace}</span>
      <span class="sign minus" aria-hidden="true">−</span><b>${other.name}</b>
      <span class="of">${other.namespace}</span>
      ${origin?.kind === 'computed' ? html`<span class="computed-tag">${icon('calculator')}${l10n.t('Computed, not read')}</span>` : nothing}
    </p>
    <vscode-button secondary class="choose-pod" @click=${() => post({ type: 'compare' })}
      >${l10n.t('Another Pod…')}</vscode-button
    >
    <vscode-button secondary class="stop-compare" @click=${() => post({ type: 'compare', stop: true })}
      >${l10n.t('Close')}</vscode-button
    >
  </div>`;
}

function resultView(
  { pod }: InterceptionState,
  { pod: other, readings }: CompareView,
  reading: ReadingView,
  context: ViewContext,
): TemplateResult {
  const theirs = counterpart(reading, readings);
  if (!theirs)
    return statusView(
      'unknown',
      l10n.t('{0} has no reading to put beside {1}.', other.name, reading.label),
      l10n.t('Choose another reading above, or read again.'),
    );
  const show = (result: ReadingDrift) =>
    html`${headView(result, other.name, theirs, reading)}${differencesView(
      result.differences,
      { expected: other.name, actual: pod.name, kind: (kind) => kindLabel(kind, pod.name, other.name) },
      findActual(reading, context),
    )}`;
  const known = knownComparison(reading, theirs);
  if (known) return show(known);
  // The tab is drawn before the thinking begins: with thousands of rules that takes a moment.
  const later = new Promise<TemplateResult>((done) =>
    setTimeout(() => done(show(compareReadings(reading, theirs, other.name))), 20),
  );
  return html`${until(later, statusView('loading', l10n.t('Following every packet through both…'), ''))}`;
}

function headView(
  { status, differences, whyUnknown }: ReadingDrift,
  name: string,
  theirs: ReadingView,
  { label }: ReadingView,
): TemplateResult {
  const through =
    theirs.label === label ? '' : l10n.t('{0} of {1} stands against {2} here.', theirs.label, name, label);
  switch (status) {
    case 'same':
      return statusView('same', l10n.t('Both pods treat every packet alike.'), through);
    case 'drift':
      return statusView(
        'drift',
        differences.length === 1
          ? l10n.t('1 difference changes what happens to packets.')
          : l10n.t('{0} differences change what happens to packets.', differences.length),
        through,
      );
    default:
      return statusView('unknown', l10n.t('It cannot be told whether the two pods differ.'), whyUnknown ?? through);
  }
}

function kindLabel(kind: DriftDifference['kind'], here: string, there: string): string {
  switch (kind) {
    case 'missing':
      return l10n.t('Only in {0}', there);
    case 'extra':
      return l10n.t('Only in {0}', here);
    case 'changed':
      return l10n.t('Differs');
    case 'order':
      return l10n.t('Other order');
    default:
      return String(kind);
  }
}
