import { html, nothing, type TemplateResult } from 'lit';
import * as l10n from '@vscode/l10n';
import type { ReadingView } from '../../../contract/interception-view.ts';
import { icon } from '../icons.ts';
import type { ViewContext } from '../view-context.ts';

/** More letters than that stop a page while they are laid out. */
const mostLetters = 1_500_000;

/** The command that was run, and what can be done with what it printed. */
export function rawActionsView(reading: ReadingView, { post }: ViewContext): TemplateResult {
  return html`
    ${reading.command ? html`<code class="command" title=${l10n.t('What was run on the node')}>${reading.command}</code>` : html`<span class="command"></span>`}
    <vscode-button secondary class="copy" @click=${() => post({ type: 'copy', text: reading.raw })}
      >${icon('copy', 'content-before')}${l10n.t('Copy')}</vscode-button
    >
    <vscode-button secondary class="save" @click=${() => post({ type: 'save', reading: reading.id, of: 'actual' })}
      >${icon('save', 'content-before')}${l10n.t('Save…')}</vscode-button
    >
    <vscode-button secondary class="open-raw" @click=${() => post({ type: 'open-raw', reading: reading.id })}
      >${icon('document', 'content-before')}${l10n.t('Open as Document')}</vscode-button
    >
  `;
}

/** Exactly what the tool printed; its beginning, when that is a book. */
export function rawView({ raw }: ReadingView): TemplateResult {
  const cut = raw.length > mostLetters ? raw.lastIndexOf('\n', mostLetters) : -1;
  return html`${
      cut > 0
        ? html`<p class="graph-note">
            ${icon('partial')}${l10n.t('Partial: the text is too long for this page. Copy, save and open take all of it.')}
          </p>`
        : nothing
    }
    <pre class="raw" tabindex="0" aria-label=${l10n.t('Raw text')}>${cut > 0 ? raw.slice(0, cut) : raw}</pre>`;
}
