/** What several parts of the view show alike. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import type { FactView, FromCniChainView, Severity } from '../../contract/cni-chain-view.ts';
import { icon, type IconName } from '../interception/icons.ts';

export type Post = (message: FromCniChainView) => void;

const severityIcons: Record<Severity, IconName> = {
  error: 'failure',
  warning: 'warning',
  good: 'check',
  info: 'info',
};

/** An icon and, for who cannot see it, the word. */
export function severityIcon(severity: Severity): TemplateResult {
  const words = { error: l10n.t('Error'), warning: l10n.t('Warning'), good: l10n.t('Good'), info: l10n.t('Note') };
  return html`${icon(severityIcons[severity])}<span class="visually-hidden">${words[severity]}: </span>`;
}

/** Names and values; who says it stands behind. */
export function factList(facts: FactView[]): TemplateResult | typeof nothing {
  if (facts.length === 0) return nothing;
  return html`<dl class="facts">
    ${facts.map(
      ({ name, value, source }) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}${source === undefined ? nothing : html` <span class="kind">${source}</span>`}</dd>
        </div>`,
    )}
  </dl>`;
}
