/** The interception view: a state in, elements out. It keeps nothing; what the person sets goes through the context. */
import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import * as l10n from '@vscode/l10n';
import type { FailureView, InterceptionState, ReadingView } from '../../contract/interception-view.ts';
import { filterRules } from './filter-rules.ts';
import { icon, type IconName } from './icons.ts';
import { rulesView } from './rules-view.ts';
import type { UiState } from './ui-state.ts';
import type { ViewContext } from './view-context.ts';

/** From here on the browser lays out only what is in sight. */
const manyRules = 300;

export function interceptionView(state: InterceptionState, context: ViewContext): TemplateResult {
  const reading = chosenReading(state, context.ui);
  const hasRules = reading !== undefined && state.phase !== 'failed';
  return html`<main class="interception" aria-busy=${state.phase === 'loading' ? 'true' : 'false'}>
    ${headerView(state, reading, context)}
    ${state.phase === 'failed' && state.failure ? failureView(state.failure, context) : nothing}
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
  return html`
    <div class="bar">
      <div class="row">
        ${tabsView(filtered.total, context)}
        ${state.readings.length > 1 ? readingSwitch(state.readings, reading, context) : nothing}
      </div>
      <div class="row">
        ${ui.tab === 'rules' ? searchView(reading, filtered.shown, filtered.total, context) : rawActionsView(reading, context)}
      </div>
    </div>
    <section
      id="panel"
      class=${filtered.shown > manyRules ? 'many' : ''}
      role="tabpanel"
      aria-labelledby="tab-${ui.tab}"
    >
      ${ui.tab === 'raw' ? rawView(reading) : filtered.total === 0 ? emptyView(whyNoRules(reading)) : rulesView(reading, filtered, context)}
    </section>
  `;
}

const tabs = ['rules', 'raw'] as const;

function tabsView(total: number, { ui, update }: ViewContext): TemplateResult {
  const label = { rules: l10n.t('Rules'), raw: l10n.t('Raw Text') };
  const choose = (tab: UiState['tab']) => update({ tab });
  return html`<div
    class="tabs"
    role="tablist"
    aria-label=${l10n.t('How to show the rules')}
    @keydown=${(event: KeyboardEvent) => roveFocus(event, tabs, ui.tab, choose)}
  >
    ${tabs.map(
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
          ${label[tab]}${tab === 'rules' ? html` <span class="count">${total}</span>` : nothing}
        </button>`,
    )}
  </div>`;
}

function readingSwitch(readings: ReadingView[], chosen: ReadingView, { update }: ViewContext): TemplateResult {
  const ids = readings.map(({ id }) => id);
  const choose = (reading: string) => update({ reading });
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

function rawActionsView(reading: ReadingView, { post }: ViewContext): TemplateResult {
  return html`
    ${reading.command ? html`<code class="command" title=${l10n.t('What was run on the node')}>${reading.command}</code>` : html`<span class="command"></span>`}
    <vscode-button secondary class="copy" @click=${() => post({ type: 'copy', text: reading.raw })}
      >${icon('copy', 'content-before')}${l10n.t('Copy')}</vscode-button
    >
    <vscode-button secondary class="open-raw" @click=${() => post({ type: 'open-raw', reading: reading.id })}
      >${icon('document', 'content-before')}${l10n.t('Open as Document')}</vscode-button
    >
  `;
}

function rawView(reading: ReadingView): TemplateResult {
  if (reading.raw.trim() === '') return emptyView(l10n.t('The tool printed nothing: there are no rules of this kind.'));
  return html`<pre class="raw" tabindex="0" aria-label=${l10n.t('Raw text')}>${reading.raw}</pre>`;
}

function failureView({ what, why, next, actions }: FailureView, { post }: ViewContext): TemplateResult {
  return html`<section class="failure" role="alert">
    ${icon('failure')}
    <div>
      <h2>${what}</h2>
      ${why ? html`<p>${why}</p>` : nothing} ${next ? html`<p>${next}</p>` : nothing}
      <p class="actions">
        ${actions.map(
          ({ id, label }, at) =>
            html`<vscode-button class="action-${id}" ?secondary=${at > 0} @click=${() => post({ type: 'action', id })}
              >${label}</vscode-button
            >`,
        )}
      </p>
    </div>
  </section>`;
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
