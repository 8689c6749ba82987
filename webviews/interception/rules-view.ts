import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import * as l10n from '@vscode/l10n';
import type { ChainView, ReadingView, RuleRow } from '../../contract/interception-view.ts';
import { markHits, searchWords, type FilteredRules, type Segment } from './filter-rules.ts';
import { formatBytes, formatExactly, formatPackets, share } from './format-count.ts';
import { icon } from './icons.ts';
import type { ViewContext } from './view-context.ts';

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
}

/** The rules of a reading, table by table, chain by chain, in the order in which the text has them. */
export function rulesView(
  reading: ReadingView,
  { chains, shown }: FilteredRules,
  context: ViewContext,
): TemplateResult {
  if (shown === 0) return nothingFound(context);
  const page: Page = {
    context,
    words: searchWords(context.ui.search),
    most: reading.chains.reduce(
      (most, { rules }) => rules.reduce((max, { packets = 0 }) => Math.max(max, packets), most),
      0,
    ),
    locale: document.documentElement.lang || undefined,
    chains: new Set(reading.chains.map(chainKey)),
  };
  const tables = [...new Set(chains.map(({ table }) => table))];
  return html`${tables.map((name) =>
    tableView(
      name,
      chains.filter(({ table }) => table === name),
      page,
    ),
  )}`;
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
    ${repeat(used, chainKey, (chain) => chainView(chain, page))}
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
  const open = searching || !ui.collapsed.includes(key);
  const toggle = (event: Event) => {
    // A search unfolds what it finds; what the person had folded stays noted for afterwards.
    event.preventDefault();
    if (searching) return;
    update({ collapsed: open ? [...ui.collapsed, key] : ui.collapsed.filter((other) => other !== key) });
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
  return html`<div class="rules" role="table" aria-label=${l10n.t('Rules of chain {0} in table {1}', chain, table)}>
    <div role="row" class="visually-hidden">
      <span role="columnheader">${l10n.t('Counters')}</span>
      <span role="columnheader">${l10n.t('What the rule does')}</span>
      <span role="columnheader">${l10n.t('Cause')}</span>
    </div>
    ${rules.map((rule) => ruleView(rule, table, page))}
  </div>`;
}

function ruleView(row: RuleRow, table: string, page: Page): TemplateResult {
  return html`<div role="row" class="rule ${row.known ? '' : 'unknown'}">
    ${countersView(row, page)}
    <div role="cell" class="what">
      <p class="explanation">
        ${row.known ? nothing : html`<span class="mark">${icon('question')}${l10n.t('Unknown rule')}</span> `}${marked(row.explanation, page.words)}
      </p>
      <code class="text">${ruleText(row, table, page)}</code>
    </div>
    <div role="cell" class="why">
      ${row.known && row.cause ? html`<span class="cause" title=${l10n.t('What put this rule here')}>${markHits(row.cause, page.words).map(causePiece)}</span>` : nothing}
    </div>
  </div>`;
}

function countersView({ packets, bytes }: RuleRow, { most, locale }: Page): TemplateResult {
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
    ${
      packets > 0
        ? html`<span class="bytes">${formatBytes(bytes ?? 0, locale)}</span
            ><svg class="share" aria-hidden="true">
              <rect height="100%" width="${(100 * share(packets, most)).toFixed(1)}%" />
            </svg>`
        : nothing
    }
  </div>`;
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
