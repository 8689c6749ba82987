import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import * as l10n from '@vscode/l10n';
import type { InterceptionState, ReadingView } from '../../../contract/interception-view.ts';
import { icon } from '../icons.ts';
import { indexRows, ruleElementId, type IndexedRow } from '../index-rows.ts';
import { formatExactly, share } from '../rules/format-count.ts';
import type { ViewContext } from '../view-context.ts';
import { armCounters, countSince, type CounterDeltas } from './counter-deltas.ts';

const intervals = [1, 2, 5, 10, 30];
/** So many rules are listed; more of them were not hit by one test. */
const mostListed = 200;

/** Which rules were hit since the counters were remembered. */
export function watchView(state: InterceptionState, reading: ReadingView, context: ViewContext): TemplateResult {
  const { rows } = indexRows(reading);
  if (!rows.some(({ row }) => row.packets !== undefined))
    return html`<section class="empty">
      ${icon('info')}
      <p>
        ${
          state.origin?.kind === 'computed'
            ? l10n.t('Computed rules have no counters: nothing was read that could count.')
            : l10n.t('This reading has no counters: nothing tells which rules packets meet.')
        }
      </p>
    </section>`;
  const { watch } = context.ui;
  return html`<div class="watch">
    ${controlsView(state, context)}
    ${
      state.watch?.trouble
        ? html`<p class="watch-trouble" role="alert">
            ${icon('warning')}<span><b>${l10n.t('Not up to date:')}</b> ${state.watch.trouble}</span>
          </p>`
        : nothing
    }
    ${watch ? resultView(reading, countSince(watch, reading), context) : howToView()}
  </div>`;
}

function controlsView(state: InterceptionState, { ui, update, post }: ViewContext): TemplateResult {
  const { watch, watchSeconds: seconds } = ui;
  const running = watch !== undefined && state.watch?.on === true;
  const arm = () => {
    update({ watch: armCounters(state.readings, Date.now()) });
    post({ type: 'watch', on: true, seconds });
  };
  const stop = () => post({ type: 'watch', on: false, seconds });
  const resume = () => post({ type: 'watch', on: true, seconds });
  const end = () => {
    update({ watch: undefined });
    stop();
  };
  const choose = (event: Event) => {
    const next = Number((event.currentTarget as HTMLSelectElement).value);
    update({ watchSeconds: next });
    if (running) post({ type: 'watch', on: true, seconds: next });
  };
  return html`<div class="watch-controls">
    ${
      watch
        ? html`<vscode-button class="reset" secondary @click=${arm}
              >${icon('refresh', 'content-before')}${l10n.t('Reset')}</vscode-button
            >
            ${
              running
                ? html`<vscode-button class="stop" secondary @click=${stop}
                    >${icon('stop', 'content-before')}${l10n.t('Stop Reading')}</vscode-button
                  >`
                : html`<vscode-button class="resume" @click=${resume}
                    >${icon('play', 'content-before')}${l10n.t('Go On')}</vscode-button
                  >`
            }
            <vscode-button class="disarm" secondary @click=${end}
              >${icon('close', 'content-before')}${l10n.t('Disarm')}</vscode-button
            >`
        : html`<vscode-button class="arm" @click=${arm}
            >${icon('play', 'content-before')}${l10n.t('Arm')}</vscode-button
          >`
    }
    <label class="interval"
      >${l10n.t('read again every')}
      <select .value=${live(String(seconds))} @change=${choose}>
        ${[...new Set([...intervals, seconds])].sort((a, b) => a - b).map((each) => html`<option value=${each} ?selected=${each === seconds}>${l10n.t('{0} s', each)}</option>`)}
      </select></label
    >
    <span class="watch-state" role="status"
      >${
        watch
          ? html`<span class="lamp ${running ? 'on' : ''}" aria-hidden="true"></span
              >${running ? l10n.t('Armed at {0}, reading while this view is visible', timeOf(watch.armedAt)) : l10n.t('Armed at {0}, not reading', timeOf(watch.armedAt))}`
          : l10n.t('Not armed')
      }</span
    >
  </div>`;
}

function howToView(): TemplateResult {
  return html`<ol class="how-to">
    <li>${l10n.t('Arm: the counters of now are remembered.')}</li>
    <li>${l10n.t('Send traffic: call the application, or let it call.')}</li>
    <li>${l10n.t('See which rules it met, here, in the Rules tab and on the graph.')}</li>
  </ol>`;
}

function resultView(reading: ReadingView, deltas: CounterDeltas, context: ViewContext): TemplateResult {
  const { byRule, added, reset, compared } = deltas;
  const { rows } = indexRows(reading);
  const locale = document.documentElement.lang || undefined;
  const most = Math.max(0, ...byRule.values());
  const listed = [...byRule.keys()].flatMap((index) => rows[index] ?? []);
  return html`
    ${reset > 0 ? html`<p class="graph-note">${icon('info')}${l10n.t('{0} counters are lower than when you armed: the rules were written anew, or the counters reset. Those count from zero.', reset)}</p>` : nothing}
    ${added.size > 0 && compared > 0 ? html`<p class="graph-note">${icon('info')}${added.size === 1 ? l10n.t('1 rule is new since you armed.') : l10n.t('{0} rules are new since you armed.', added.size)}</p>` : nothing}
    <h2 class="watch-title">
      ${
        compared === 0
          ? l10n.t('This reading was not there when you armed: reset to begin with it.')
          : byRule.size === 0
            ? l10n.t('No rule has met a packet since you armed.')
            : byRule.size === 1
              ? l10n.t('1 rule has met packets since you armed')
              : l10n.t('{0} rules have met packets since you armed', byRule.size)
      }
    </h2>
    <ol class="hits">
      ${listed.slice(0, mostListed).map((each) => hitView(each, byRule.get(each.index) ?? 0, most, locale, context))}
    </ol>
    ${listed.length > mostListed ? html`<p class="graph-note">${icon('info')}${l10n.t('{0} more are marked in the Rules tab.', listed.length - mostListed)}</p>` : nothing}
  `;
}

function hitView(
  { index, row, chain }: IndexedRow,
  delta: number,
  most: number,
  locale: string | undefined,
  { goToRule, justHit }: ViewContext,
): TemplateResult {
  const go = (event: Event) => {
    event.preventDefault();
    goToRule(index);
  };
  const now = justHit.has(index);
  return html`<li class=${now ? 'just-hit' : ''}>
    <span class="delta"
      >+${formatExactly(delta, locale)}
      <svg class="share" aria-hidden="true">
        <rect height="100%" width="${(100 * share(delta, most)).toFixed(1)}%" /></svg
    ></span>
    <span class="place"
      >${chain.replace('/', ' ')}${now ? html` <b class="now">${l10n.t('just now')}</b>` : nothing}</span
    >
    <a href="#${ruleElementId(index)}" @click=${go}><code>${row.rule}</code></a>
    <span class="explanation">${row.explanation}</span>
  </li>`;
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString(document.documentElement.lang || undefined);
}
