import { html, nothing, type TemplateResult } from 'lit';
import * as l10n from '@vscode/l10n';
import type { ChainView, ReadingView, RuleRow } from '../../../contract/interception-view.ts';
import { markHits, searchWords, type FilteredRules, type Segment } from './filter-rules.ts';
import { formatBytes, formatExactly, formatPackets, share } from './format-count.ts';
import { icon } from '../icons.ts';
import { indexRows, ruleElementId, type IndexedRow } from '../index-rows.ts';
import { shownTrace } from '../trace/trace-reading.ts';
import type { ViewContext } from '../view-context.ts';
import { countSince, type CounterDeltas } from '../watch/counter-deltas.ts';

/** What all rules of one rendering share. */
interface Page {
  context: ViewContext;
  /** Words to mark. */
  words: string[];
  /** Packets of the busiest rule. */
  most: number;
  /** Language of the page, for numbers. */
  locale: string | undefined;
  /** `table/CHAIN` of every chain of the reading, shown or not. */
  chains: Set<string>;
  /** Places of the rules in the reading. */
  places: ReadonlyMap<RuleRow, IndexedRow>;
  /** More than a page can hold at once: chains begin folded, and long ones are shown page by page. */
  vast: boolean;
  /** What has been counted since watching was armed. */
  deltas: CounterDeltas | undefined;
  /** Steps of the traced packet by rule. */
  stepsOf: ReadonlyMap<number, number[]> | undefined;
}

/** From here on a page shows a part of the rules at a time. */
export const vastReading = 3000;
/** Rules of a chain that are shown at once in a vast reading. */
export const pageSize = 500;
/** Rules that the browser lays out or skips together. */
const groupSize = 25;
/** Chains of a table that are shown at once in a vast reading. */
const mostChains = 400;

/** The rules of a reading, table by table, chain by chain, in the order in which the text has them. */
export function rulesView(
  reading: ReadingView,
  { chains, shown }: FilteredRules,
  context: ViewContext,
): TemplateResult {
  if (shown === 0) return nothingFound(context);
  const page = startPage(reading, context, shown > vastReading);
  const tables = [...new Set(chains.map(({ table }) => table))];
  return html`${tables.map((name) =>
    tableView(
      name,
      chains.filter(({ table }) => table === name),
      page,
    ),
  )}`;
}

/** A few rules of a reading as the table shows them, for other tabs. */
export function chainRulesView(
  reading: ReadingView,
  rows: readonly IndexedRow[],
  context: ViewContext,
  label: string,
): TemplateResult {
  const page = startPage(reading, { ...context, ui: { ...context.ui, search: '' } }, false);
  return html`<div class="rules" role="table" aria-label=${label}>
    ${columnHeads()} ${rows.map(({ row, chain }) => ruleView(row, chain.slice(0, chain.indexOf('/')), page))}
  </div>`;
}

function startPage(reading: ReadingView, context: ViewContext, vast: boolean): Page {
  const { ui } = context;
  return {
    context,
    words: searchWords(ui.search),
    most: reading.chains.reduce(
      (most, { rules }) => rules.reduce((max, { packets = 0 }) => Math.max(max, packets), most),
      0,
    ),
    locale: document.documentElement.lang || undefined,
    chains: new Set(reading.chains.map(chainKey)),
    places: indexRows(reading).byRow,
    vast,
    deltas: ui.watch && countSince(ui.watch, reading),
    stepsOf: shownTrace(reading, ui)?.stepsOf,
  };
}

/** The id of a chain's heading in the page. */
export function chainElementId(key: string): string {
  return `chain-${key.replace(/[^\w-]/g, '_')}`;
}

export function chainKey({ table, chain }: { table: string; chain: string }): string {
  return `${table}/${chain}`;
}

function tableView(table: string, chains: ChainView[], page: Page): TemplateResult {
  const used = chains.filter(({ rules }) => rules.length > 0);
  const empty = chains.filter(({ rules }) => rules.length === 0);
  return html`<section class="table" aria-label=${l10n.t('Table {0}', table)}>
    <h2><span class="name">${table}</span> <span class="says">${whatTableDoes(table)}</span></h2>
    ${(page.vast ? used.slice(0, mostChains) : used).map((chain) => chainView(chain, page))}
    ${
      page.vast && used.length > mostChains
        ? html`<p class="paging">
            ${l10n.t('The first {0} of {1} chains. Search to see others.', mostChains, used.length)}
          </p>`
        : nothing
    }
    ${
      empty.length > 0
        ? html`<p class="empty-chains">
            <span>${l10n.t('Without rules')}</span> ${empty.map(
              ({ chain, policy }) =>
                html`<span class="empty-chain" id=${chainElementId(`${table}/${chain}`)} tabindex="-1"
                  ><code>${chain}</code>${policy ? html` ${policyView(policy)}` : nothing}</span
                > `,
            )}
          </p>`
        : nothing
    }
  </section>`;
}

function chainView(chain: ChainView, page: Page): TemplateResult {
  const { ui, update } = page.context;
  const key = chainKey(chain);
  const searching = page.words.length > 0;
  const open = (searching && !page.vast) || ui.collapsed.includes(key) === page.vast;
  const toggle = (event: Event) => {
    // A search unfolds what it finds; what the person had folded stays noted for afterwards.
    event.preventDefault();
    if (searching && !page.vast) return;
    const noted = ui.collapsed.filter((other) => other !== key);
    update({ collapsed: noted.length < ui.collapsed.length ? noted : [...noted, key] });
  };
  return html`<details class="chain" ?open=${open}>
    <summary id=${chainElementId(key)} @click=${toggle}>
      ${icon('chevron')}
      <h3>${chain.chain}</h3>
      ${chain.policy ? policyView(chain.policy) : nothing}
      <span class="count"
        >${chain.rules.length === 1 ? l10n.t('1 rule') : l10n.t('{0} rules', chain.rules.length)}</span
      >
      ${chain.says ? html`<span class="says">${chain.says}</span>` : nothing}
    </summary>
    ${open ? html`${usedByView(chain, page)}${ruleTable(chain, page)}` : nothing}
  </details>`;
}

function policyView(policy: string): TemplateResult {
  return html`<span
    class="policy ${policy === 'DROP' ? 'drop' : ''}"
    title=${l10n.t('What happens to a packet that no rule of this chain decided')}
    >${l10n.t('policy {0}', policy)}</span
  >`;
}

function usedByView({ table, policy, usedBy }: ChainView, { context }: Page): TemplateResult | typeof nothing {
  if (policy !== undefined || usedBy === undefined) return nothing;
  if (usedBy.length === 0)
    return html`<p class="used-by">${l10n.t('No rule leads here: no packet meets this chain.')}</p>`;
  return html`<p class="used-by">
    ${l10n.t('Reached from')}
    ${usedBy.map((chain, at) => html`${at > 0 ? ', ' : ''}${chainLink(chain, `${table}/${chain}`, context)}`)}
  </p>`;
}

function ruleTable({ table, chain, rules }: ChainView, page: Page): TemplateResult {
  const paged = page.vast && rules.length > pageSize;
  const last = Math.ceil(rules.length / pageSize) - 1;
  const at = paged ? Math.min(page.context.ui.pages[`${table}/${chain}`] ?? 0, last) : 0;
  const shown = paged ? rules.slice(at * pageSize, (at + 1) * pageSize) : rules;
  return html`<div class="rules" role="table" aria-label=${l10n.t('Rules of chain {0} in table {1}', chain, table)}>
      ${columnHeads()}
      ${shown.length > groupSize ? groupsView(shown, table, page) : shown.map((rule) => ruleView(rule, table, page))}
    </div>
    ${paged ? pagingView(`${table}/${chain}`, at, rules.length, page.context) : nothing}`;
}

/** The browser skips what is out of sight group by group: deciding it for each of thousands of rows is slow itself. */
function groupsView(rules: RuleRow[], table: string, page: Page): TemplateResult[] {
  const starts = Array.from({ length: Math.ceil(rules.length / groupSize) }, (_, at) => at * groupSize);
  return starts.map(
    (start) =>
      html`<div role="rowgroup" class="group">
        ${rules.slice(start, start + groupSize).map((rule) => ruleView(rule, table, page))}
      </div>`,
  );
}

function columnHeads(): TemplateResult {
  return html`<div role="row" class="visually-hidden">
    <span role="columnheader">${l10n.t('Counters')}</span>
    <span role="columnheader">${l10n.t('What the rule does')}</span>
    <span role="columnheader">${l10n.t('Cause')}</span>
  </div>`;
}

function pagingView(key: string, at: number, total: number, { ui, update }: ViewContext): TemplateResult {
  const go = (to: number) => () => update({ pages: { ...ui.pages, [key]: to } });
  const last = Math.ceil(total / pageSize) - 1;
  return html`<p class="paging">
    <vscode-button secondary class="page-back" ?disabled=${at === 0} @click=${go(at - 1)}
      >${l10n.t('Previous {0}', pageSize)}</vscode-button
    >
    <span role="status"
      >${l10n.t('Rules {0} to {1} of {2}', at * pageSize + 1, Math.min(total, (at + 1) * pageSize), total)}</span
    >
    <vscode-button secondary class="page-on" ?disabled=${at === last} @click=${go(at + 1)}
      >${l10n.t('Next {0}', pageSize)}</vscode-button
    >
  </p>`;
}

function ruleView(row: RuleRow, table: string, page: Page): TemplateResult {
  const index = page.places.get(row)?.index ?? -1;
  const steps = page.stepsOf?.get(index);
  const hit = page.deltas ? page.deltas.byRule.has(index) : (row.packets ?? 0) > 0;
  const classes = [
    'rule',
    ...(row.known ? [] : ['unknown']),
    ...(hit ? ['hit'] : []),
    ...(steps ? ['traced'] : []),
    ...(page.context.justHit.has(index) ? ['just-hit'] : []),
  ];
  return html`<div role="row" class=${classes.join(' ')} id=${ruleElementId(index)} tabindex="-1">
    ${countersView(row, index, page)}
    <div role="cell" class="what">
      <p class="explanation">
        ${steps ? html`<span class="step" title=${l10n.t('The traced packet met this rule')}>${steps.length === 1 ? l10n.t('Step {0}', steps.join()) : l10n.t('Steps {0}', steps.join(', '))}</span> ` : nothing}
        ${row.known ? nothing : html`<span class="mark">${icon('question')}${l10n.t('Unknown rule')}</span> `}${marked(row.explanation, page.words)}
      </p>
      <code class="text">${ruleText(row, table, page)}</code>
    </div>
    <div role="cell" class="why">
      ${row.known && row.cause ? html`<span class="cause" title=${l10n.t('What put this rule here')}>${markHits(row.cause, page.words).map(causePiece)}</span>` : nothing}
    </div>
  </div>`;
}

function countersView({ packets, bytes }: RuleRow, index: number, { most, locale, deltas }: Page): TemplateResult {
  if (packets === undefined)
    return html`<div role="cell" class="counters zero" title=${l10n.t('Not counted in this reading')}>–</div>`;
  const title = l10n.t(
    '{0} packets, {1} bytes since the counters were last reset',
    formatExactly(packets, locale),
    formatExactly(bytes ?? 0, locale),
  );
  return html`<div role="cell" class="counters ${packets === 0 ? 'zero' : ''}" title=${title}>
    <span class="packets"
      >${packets === 1 ? l10n.t('1 packet') : l10n.t('{0} packets', formatPackets(packets, locale))}</span
    >
    ${deltas ? deltaView(deltas, index, locale) : nothing}
    ${
      packets > 0
        ? html`<span class="bytes"
              >${formatBytes(bytes ?? 0, locale)} <span class="hit-word">${l10n.t('hit')}</span></span
            ><svg class="share" aria-hidden="true">
              <rect height="100%" width="${(100 * share(packets, most)).toFixed(1)}%" />
            </svg>`
        : nothing
    }
  </div>`;
}

function deltaView({ byRule, added }: CounterDeltas, index: number, locale: string | undefined): unknown {
  const delta = byRule.get(index);
  if (delta !== undefined)
    return html`<span class="delta" title=${l10n.t('Packets since watching was armed')}
      >+${formatExactly(delta, locale)}</span
    >`;
  return added.has(index) ? html`<span class="delta new">${l10n.t('new')}</span>` : nothing;
}

/** The exact text; the chain it leads to is a link there. The pieces together are the text, so a selection copies it whole. */
function ruleText({ rule, target }: RuleRow, table: string, page: Page): unknown {
  const key = `${table}/${target}`;
  const at = target && page.chains.has(key) ? targetPosition(rule, target) : -1;
  if (!target || at < 0) return marked(rule, page.words);
  const link = chainLink(marked(target, page.words), key, page.context);
  return html`${marked(rule.slice(0, at), page.words)}${link}${marked(rule.slice(at + target.length), page.words)}`;
}

function targetPosition(rule: string, target: string): number {
  const at = Math.max(rule.lastIndexOf(` -j ${target}`), rule.lastIndexOf(` -g ${target}`));
  return at < 0 ? -1 : at + 4;
}

function chainLink(text: unknown, key: string, context: ViewContext): TemplateResult {
  const go = (event: Event) => {
    event.preventDefault();
    context.goToChain(key);
  };
  return html`<a href="#${chainElementId(key)}" @click=${go}>${text}</a>`;
}

function marked(text: string, words: string[]): unknown {
  if (words.length === 0) return text;
  return markHits(text, words).map(({ text: piece, hit }) => (hit ? html`<mark>${piece}</mark>` : piece));
}

/** Annotation names are long words: they may break after their slash. */
function causePiece({ text, hit }: Segment): TemplateResult {
  const pieces = text.split(/(?<=\/)/).map((piece, at) => (at > 0 ? html`<wbr />${piece}` : piece));
  return hit ? html`<mark>${pieces}</mark>` : html`${pieces}`;
}

function nothingFound({ ui, update }: ViewContext): TemplateResult {
  const text =
    ui.search.trim() === ''
      ? l10n.t('No rule here has met a packet yet.')
      : ui.hideUnused
        ? l10n.t('No used rule holds “{0}”.', ui.search.trim())
        : l10n.t('No rule holds “{0}”.', ui.search.trim());
  return html`<section class="empty">
    ${icon('info')}
    <p>${text}</p>
    <vscode-button class="show-all" secondary @click=${() => update({ search: '', hideUnused: false })}
      >${l10n.t('Show All Rules')}</vscode-button
    >
  </section>`;
}

/** Where a packet meets the table, for people who do not have netfilter's order in their head. */
function whatTableDoes(table: string): string {
  switch (table) {
    case 'raw':
      return l10n.t('met first, before connections are tracked');
    case 'mangle':
      return l10n.t('marks packets, or hands them to a socket without changing their address');
    case 'nat':
      return l10n.t('sends new connections to another address or port');
    case 'filter':
      return l10n.t('lets packets pass or drops them');
    case 'security':
      return l10n.t('labels packets for mandatory access control');
    default:
      return '';
  }
}
