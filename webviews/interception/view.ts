/** The interception view: a state in, elements out. It keeps nothing; what the person sets goes through the context. */
import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import * as l10n from '@vscode/l10n';
import {
  interceptionTabs,
  type InterceptionState,
  type InterceptionTab,
  type ReadingView,
} from '../../contract/interception-view.ts';
import { compareView } from './compare/compare-view.ts';
import { driftOf, driftView } from './drift/drift-view.ts';
import { failureView } from './failure-view.ts';
import { graphView } from './graph/graph-view.ts';
import { icon, type IconName } from './icons.ts';
import { rawActionsView, rawView } from './raw/raw-view.ts';
import { filterRules, type FilteredRules } from './rules/filter-rules.ts';
import { rulesView, vastReading } from './rules/rules-view.ts';
import { traceView } from './trace/trace-view.ts';
import type { UiState } from './ui-state.ts';
import type { ViewContext } from './view-context.ts';
import { watchView } from './watch/watch-view.ts';

/** From here on the browser lays out only what is in sight. */
const manyRules = 300;

export function interceptionView(state: InterceptionState, context: ViewContext): TemplateResult {
  const reading = chosenReading(state, context.ui);
  const hasRules = reading !== undefined && state.phase !== 'failed';
  return html`<main class="interception" aria-busy=${state.phase === 'loading' ? 'true' : 'false'}>
    ${headerView(state, reading, context)}
    ${state.phase !== 'loading' && state.failure ? failureView(state.failure, context, hasRules) : nothing}
    ${state.phase === 'loading' && !reading ? loadingView(state) : nothing}
    ${state.phase === 'ready' && !reading ? emptyView(l10n.t('Nothing was read: the node helper returned no rule set for this pod.')) : nothing}
    ${hasRules ? readingView(state, reading, context) : nothing}
  </main>`;
}

/** The reading the person chose; else the first that holds rules; else the first. */
export function chosenReading(state: InterceptionState, ui: UiState): ReadingView | undefined {
  const { readings } = state;
  return readings.find(({ id }) => id === ui.reading) ?? readings.find(holdsRules) ?? readings[0];
}

/** What a mode is called on screen. A mode of a newer host is shown as it is. */
export function modeLabel(mode: string): string {
  switch (mode) {
    case 'sidecar-redirect':
      return l10n.t('Sidecar · REDIRECT');
    case 'sidecar-tproxy':
      return l10n.t('Sidecar · TPROXY');
    case 'ambient':
      return l10n.t('Ambient');
    case 'ambient-host':
      return l10n.t('Ambient · host side');
    case 'none':
      return l10n.t('Not intercepted');
    case 'unknown':
      return l10n.t('Unknown rules');
    default:
      return mode;
  }
}

function headerView(state: InterceptionState, reading: ReadingView | undefined, context: ViewContext): TemplateResult {
  const { pod, phase } = state;
  const warnings = phase === 'failed' ? [] : (reading?.warnings ?? []);
  return html`<header>
    <div class="title">
      <h1>${pod.name}</h1>
      ${reading && phase !== 'failed' ? html`<vscode-badge variant="counter" class="mode mode-${reading.mode}">${modeLabel(reading.mode)}</vscode-badge>` : nothing}
      <vscode-button
        class="refresh"
        secondary
        ?disabled=${phase === 'loading'}
        @click=${() => context.post({ type: 'refresh' })}
        >${icon('refresh', 'content-before')}${phase === 'loading' ? l10n.t('Reading…') : l10n.t('Read Again')}</vscode-button
      >
    </div>
    <p class="where">
      <span>${l10n.t('namespace')} <strong>${pod.namespace}</strong></span>
      <span>${l10n.t('cluster')} <strong>${pod.context}</strong></span>
      ${state.source ? html`<span>${state.source}</span>` : nothing}
    </p>
    ${state.summary && phase !== 'failed' ? html`<p class="summary">${state.summary}</p>` : nothing}
    ${
      warnings.length + state.notes.length > 0
        ? html`<ul class="notices">
            ${warnings.map((text) => noticeView('warning', l10n.t('Warning'), text))}
            ${state.notes.map((text) => noticeView('info', l10n.t('Note'), text))}
          </ul>`
        : nothing
    }
    ${
      state.listening.length > 0 && phase !== 'failed'
        ? html`<p class="listening">
            <span>${l10n.t('Listening in the pod')}</span>
            ${state.listening.map((socket) => html`<code>${socket}</code> `)}
          </p>`
        : nothing
    }
  </header>`;
}

function noticeView(kind: IconName, word: string, text: string): TemplateResult {
  return html`<li class="notice ${kind}">
    ${icon(kind)}<span><strong>${word}:</strong> ${text}</span>
  </li>`;
}

function readingView(state: InterceptionState, reading: ReadingView, context: ViewContext): TemplateResult {
  const { ui } = context;
  const filtered = filterRules(reading, ui);
  const tools = toolsOf(ui.tab, reading, filtered, context);
  return html`
    ${provenanceView(state)}
    <div class="bar">
      <div class="row">
        ${tabsView(state, reading, filtered.total, context)} ${provenanceTags(state)}
        ${state.readings.length > 1 ? readingSwitch(state.readings, reading, context) : nothing}
      </div>
      ${tools === nothing ? nothing : html`<div class="row">${tools}</div>`}
    </div>
    <section
      id="panel"
      class="panel-${ui.tab} ${filtered.shown > manyRules ? 'many' : ''}"
      role="tabpanel"
      aria-labelledby="tab-${ui.tab}"
    >
      ${panelView(state, reading, filtered, context)}
    </section>
  `;
}

function toolsOf(
  tab: InterceptionTab,
  reading: ReadingView,
  { shown, total }: FilteredRules,
  context: ViewContext,
): TemplateResult | typeof nothing {
  if (tab === 'rules') return searchView(reading, shown, total, context);
  return tab === 'raw' ? rawActionsView(reading, context) : nothing;
}

function panelView(
  state: InterceptionState,
  reading: ReadingView,
  filtered: FilteredRules,
  context: ViewContext,
): TemplateResult {
  const { tab } = context.ui;
  const empty = filtered.total === 0 ? emptyView(whyNoRules(reading)) : undefined;
  switch (tab) {
    case 'graph':
      return empty ?? graphView(reading, context);
    case 'trace':
      return traceView(state, reading, context);
    case 'drift':
      return driftView(state, reading, context);
    case 'watch':
      return empty ?? watchView(state, reading, context);
    case 'compare':
      return compareView(state, reading, context);
    case 'raw':
      return reading.raw.trim() === ''
        ? emptyView(l10n.t('The tool printed nothing: there are no rules of this kind.'))
        : rawView(reading);
    default:
      return empty ?? html`${vastNote(filtered)}${rulesView(reading, filtered, context)}`;
  }
}

/** What is on screen was not read, or not wholly: said once in full above the tabs, and as a tag beside them on every tab. */
function provenanceView({ origin, gaps = [] }: InterceptionState): TemplateResult | typeof nothing {
  if (origin?.kind !== 'computed' && gaps.length === 0) return nothing;
  return html`<div class="provenance">
    ${
      origin?.kind === 'computed'
        ? html`<p class="computed">
            ${icon('calculator')}<span
              ><strong>${l10n.t('Computed, not read:')}</strong> ${l10n.t(
                'these are the rules that Istio would program. Nobody has looked into the pod.',
              )}
              ${origin.why ?? ''}</span
            >
          </p>`
        : nothing
    }
    ${gaps.map(
      ({ what, why }) =>
        html`<p class="partial">
          ${icon('partial')}<span
            ><strong>${l10n.t('Partial:')}</strong> ${l10n.t('{0} is missing. {1}', what, why)}</span
          >
        </p>`,
    )}
  </div>`;
}

function provenanceTags({ origin, gaps = [] }: InterceptionState): TemplateResult {
  return html`${
    origin?.kind === 'computed'
      ? html`<span class="tag computed-tag">${icon('calculator')}${l10n.t('Computed, not read')}</span>`
      : nothing
  }${gaps.length > 0 ? html`<span class="tag partial-tag">${icon('partial')}${l10n.t('Partial')}</span>` : nothing}`;
}

function vastNote({ shown, total }: FilteredRules): TemplateResult | typeof nothing {
  if (shown <= vastReading) return nothing;
  return html`<p class="graph-note">
    ${icon('info')}${l10n.t('{0} rules are too many to show at once: chains begin folded, long ones come page by page. Search to narrow them down.', total)}
  </p>`;
}

function tabLabel(tab: InterceptionTab): string {
  switch (tab) {
    case 'rules':
      return l10n.t('Rules');
    case 'graph':
      return l10n.t('Graph');
    case 'trace':
      return l10n.t('Trace');
    case 'drift':
      return l10n.t('Drift');
    case 'watch':
      return l10n.t('Watch');
    case 'compare':
      return l10n.t('Compare');
    default:
      return l10n.t('Raw Text');
  }
}

function tabsView(
  state: InterceptionState,
  reading: ReadingView,
  total: number,
  { ui, update }: ViewContext,
): TemplateResult {
  const choose = (tab: InterceptionTab) => update({ tab });
  return html`<div
    class="tabs"
    role="tablist"
    aria-label=${l10n.t('What to look at')}
    @keydown=${(event: KeyboardEvent) => roveFocus(event, interceptionTabs, ui.tab, choose)}
  >
    ${interceptionTabs.map(
      (tab) =>
        html`<button
          id="tab-${tab}"
          role="tab"
          aria-controls="panel"
          aria-selected=${ui.tab === tab ? 'true' : 'false'}
          tabindex=${ui.tab === tab ? 0 : -1}
          data-rove=${tab}
          @click=${() => choose(tab)}
        >
          ${tabLabel(tab)}${tabCount(tab, state, reading, total, ui)}
        </button>`,
    )}
  </div>`;
}

/** What a tab has to say before it is opened. */
function tabCount(
  tab: InterceptionTab,
  state: InterceptionState,
  reading: ReadingView,
  total: number,
  ui: UiState,
): TemplateResult | typeof nothing {
  const count = (text: string | number) => html` <span class="count">${text}</span>`;
  if (tab === 'rules') return count(total);
  if (tab === 'watch' && ui.watch) return count(l10n.t('armed'));
  const drift = tab === 'drift' ? driftOf(state, reading) : undefined;
  if (drift?.status === 'drift') return count(drift.differences.length);
  return drift?.status === 'same' ? count(l10n.t('none')) : nothing;
}

function readingSwitch(readings: ReadingView[], chosen: ReadingView, { update }: ViewContext): TemplateResult {
  const ids = readings.map(({ id }) => id);
  const choose = (reading: string) => update({ reading, viewport: undefined, node: undefined, pages: {} });
  return html`<div
    class="switch"
    role="radiogroup"
    aria-label=${l10n.t('Reading')}
    @keydown=${(event: KeyboardEvent) => roveFocus(event, ids, chosen.id, choose)}
  >
    ${readings.map(
      (reading) =>
        html`<button
          role="radio"
          aria-checked=${reading.id === chosen.id ? 'true' : 'false'}
          tabindex=${reading.id === chosen.id ? 0 : -1}
          data-rove=${reading.id}
          @click=${() => choose(reading.id)}
        >
          ${reading.label}${holdsRules(reading) ? nothing : html` <span class="count">${l10n.t('no rules')}</span>`}
        </button>`,
    )}
  </div>`;
}

/** Arrow keys move within a group that is one tab stop, and choose as they go. */
function roveFocus<Key extends string>(
  event: KeyboardEvent,
  keys: readonly Key[],
  current: Key,
  choose: (key: Key) => void,
): void {
  const at = keys.indexOf(current);
  const to = {
    ArrowRight: at + 1,
    ArrowDown: at + 1,
    ArrowLeft: at - 1,
    ArrowUp: at - 1,
    Home: 0,
    End: keys.length - 1,
  }[event.key];
  const key = to === undefined ? undefined : keys[(to + keys.length) % keys.length];
  if (key === undefined) return;
  event.preventDefault();
  choose(key);
  (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-rove="${CSS.escape(key)}"]`)?.focus();
}

function searchView(reading: ReadingView, shown: number, total: number, { ui, update }: ViewContext): TemplateResult {
  const counted = reading.chains.some(({ rules }) => rules.some(({ packets }) => packets !== undefined));
  const narrowed = ui.search.trim() !== '' || ui.hideUnused;
  return html`
    <vscode-textfield
      id="search"
      type="text"
      .label=${l10n.t('Search rules')}
      placeholder=${l10n.t('Search port, chain, explanation, annotation…')}
      title=${l10n.t('Every word must be found in the rule, its explanation or its cause. Focus with / or Ctrl+F, clear with Escape.')}
      .value=${live(ui.search)}
      @input=${(event: Event) => update({ search: (event.currentTarget as HTMLInputElement).value })}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        update({ search: '' });
      }}
      >${icon('search', 'content-before')}</vscode-textfield
    >
    <span class="found" role="status"
      >${narrowed ? l10n.t('{0} of {1} rules', shown, total) : total === 1 ? l10n.t('1 rule') : l10n.t('{0} rules', total)}</span
    >
    ${
      counted
        ? html`<vscode-checkbox
            class="unused"
            .label=${l10n.t('Hide unused')}
            title=${l10n.t('Leave out rules whose counter is zero')}
            .checked=${live(ui.hideUnused)}
            @change=${(event: Event) => update({ hideUnused: (event.currentTarget as HTMLInputElement).checked })}
          ></vscode-checkbox>`
        : nothing
    }
  `;
}

function loadingView({ pod }: InterceptionState): TemplateResult {
  return html`<section class="loading" role="status">
    <vscode-progress-ring aria-hidden="true"></vscode-progress-ring>
    <p>${l10n.t('Asking the node helper for the rules of {0}…', pod.name)}</p>
  </section>`;
}

function emptyView(text: string): TemplateResult {
  return html`<section class="empty">
    ${icon('info')}
    <p>${text}</p>
  </section>`;
}

function whyNoRules({ mode, label }: ReadingView): string {
  return mode === 'none'
    ? l10n.t('{0} holds no rules: nothing takes this pod’s packets to a proxy.', label)
    : l10n.t('{0} holds no rules.', label);
}

function holdsRules({ chains }: ReadingView): boolean {
  return chains.some(({ rules }) => rules.length > 0);
}
