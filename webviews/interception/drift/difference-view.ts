import { html, nothing, type TemplateResult } from 'lit';
import * as l10n from '@vscode/l10n';
import type { DriftDifference } from '../../../mesh/interception/find-drift.ts';
import { icon } from '../icons.ts';

/** What the two sides of a difference are called. */
export interface Sides {
  /** On the minus line: `expected`, or the other pod. */
  expected: string;
  /** On the plus line. */
  actual: string;
  kind: (kind: DriftDifference['kind']) => string;
}

/** So many differences are shown; nobody reads more, and the page has to draw them. */
const mostShown = 300;

/** Where a side's rule stands in the table, if it does. */
export type FindRule = (difference: DriftDifference) => { go: () => void } | undefined;

/** Differences as a diff with reasons, table by table. */
export function differencesView(all: readonly DriftDifference[], sides: Sides, findActual: FindRule): TemplateResult {
  const differences = all.slice(0, mostShown);
  const tables = [...new Set(differences.map(({ table }) => table))];
  return html`${tables.map(
    (table) =>
      html`<section class="differences" aria-label=${l10n.t('Differences in table {0}', table)}>
        ${tableView(
          table,
          differences.filter((each) => each.table === table),
          sides,
          findActual,
        )}
      </section>`,
  )}
  ${
    all.length > mostShown
      ? html`<p class="graph-note">
          ${icon('partial')}${l10n.t('Partial: the first {0} of {1} differences are shown.', mostShown, all.length)}
        </p>`
      : nothing
  }`;
}

/** An effect that all of them have together, such as that nothing is there, is said once. */
function tableView(
  table: string,
  differences: readonly DriftDifference[],
  sides: Sides,
  findActual: FindRule,
): TemplateResult {
  const [first, ...rest] = differences;
  const common = first && rest.length > 1 && rest.every(({ effect }) => effect === first.effect) ? first.effect : '';
  return html`<h3>${table}</h3>
    ${common ? effectView(common) : nothing}
    <ol>
      ${differences.map((each) => differenceView(each, common, sides, findActual))}
    </ol>`;
}

function effectView(effect: string): TemplateResult {
  return html`<p class="effect">
    ${icon('turn')}<span><b>${l10n.t('Effect')}</b> ${effect}</span>
  </p>`;
}

function differenceView(
  difference: DriftDifference,
  common: string,
  sides: Sides,
  findActual: FindRule,
): TemplateResult {
  const { kind, expected, actual, cause, effect } = difference;
  const place = findActual(difference);
  return html`<li class="difference difference-${kind}">
    <p class="kind">${sides.kind(kind)}</p>
    <div class="lines">
      ${expected === undefined ? nothing : lineView('−', sides.expected, expected, other(expected, actual))}
      ${actual === undefined ? nothing : lineView('+', sides.actual, actual, other(actual, expected), place?.go)}
    </div>
    ${effect === common ? nothing : effectView(effect)}
    ${cause ? html`<p class="cause-line"><b>${l10n.t('Cause')}</b> <span class="cause">${cause}</span></p>` : nothing}
  </li>`;
}

function lineView(sign: '−' | '+', side: string, text: string, changed: Piece[], go?: () => void): TemplateResult {
  const pieces = changed.map((piece) => (piece.changed ? html`<em>${piece.text}</em>` : piece.text));
  const code = html`<code>${changed.length > 0 ? pieces : text}</code>`;
  return html`<p class="line ${sign === '+' ? 'plus' : 'minus'}">
    <span class="sign" aria-hidden="true">${sign}</span><span class="side">${side}</span>
    ${
      go
        ? html`<a
            href="#panel"
            @click=${(event: Event) => {
              event.preventDefault();
              go();
            }}
            >${code}</a
          >`
        : code
    }
  </p>`;
}

interface Piece {
  text: string;
  changed: boolean;
}

/** The words of a line that its counterpart does not have; empty when there is none. The pieces together are the line. */
function other(text: string, counterpart: string | undefined): Piece[] {
  if (counterpart === undefined) return [];
  const theirs = new Map<string, number>();
  for (const word of counterpart.split(' ')) theirs.set(word, (theirs.get(word) ?? 0) + 1);
  return text.split(/(?<= )/).map((piece) => {
    const word = piece.trimEnd();
    const left = theirs.get(word) ?? 0;
    theirs.set(word, left - 1);
    return { text: piece, changed: left <= 0 };
  });
}
