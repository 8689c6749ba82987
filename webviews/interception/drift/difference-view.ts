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

/** Where a side's rule stands in the table, if it does. */
export type FindRule = (difference: DriftDifference) => { go: () => void } | undefined;

/** Differences as a diff with reasons, table by table. */
export function differencesView(
  differences: readonly DriftDifference[],
  sides: Sides,
  findActual: FindRule,
): TemplateResult {
  const tables = [...new Set(differences.map(({ table }) => table))];
  return html`${tables.map(
    (table) =>
      html`<section class="differences" aria-label=${l10n.t('Differences in table {0}', table)}>
        <h3>${table}</h3>
        <ol>
          ${differences.filter((each) => each.table === table).map((each) => differenceView(each, sides, findActual))}
        </ol>
      </section>`,
  )}`;
}

function differenceView(difference: DriftDifference, sides: Sides, findActual: FindRule): TemplateResult {
  const { kind, expected, actual, cause, effect } = difference;
  const place = findActual(difference);
  return html`<li class="difference difference-${kind}">
    <p class="kind">${sides.kind(kind)}</p>
    <div class="lines">
      ${expected === undefined ? nothing : lineView('−', sides.expected, expected, other(expected, actual))}
      ${actual === undefined ? nothing : lineView('+', sides.actual, actual, other(actual, expected), place?.go)}
    </div>
    <p class="effect">
      ${icon('turn')}<span><b>${l10n.t('Effect')}</b> ${effect}</span>
    </p>
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
