/** A plan: each file as it stands and as it would, line by line. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import type { DiffLineView, PlanFileView, PlanView } from '../../contract/cni-chain-view.ts';
import { icon } from '../interception/icons.ts';
import { severityIcon, type Post } from './parts.ts';

export function planSection({ title, says, refused, problems, files }: PlanView, post: Post): TemplateResult {
  return html`<section class="part plan ${refused ? 'refused' : ''}">
    <div class="head">
      <h2>${title}</h2>
      <vscode-button class="close-plan" secondary @click=${() => post({ type: 'close-plan' })}
        >${icon('close', 'content-before')}${l10n.t('Close Plan')}</vscode-button
      >
    </div>
    <p class="with-icon state">${severityIcon(refused ? 'error' : 'info')}<span>${says}</span></p>
    ${
      problems.length === 0
        ? nothing
        : html`<ul class="list reasons">
            ${problems.map(
              ({ severity, code, says: why }) =>
                html`<li class="with-icon">
                  ${severityIcon(severity)}<span>${why} <span class="kind">${code}</span></span>
                </li>`,
            )}
          </ul>`
    }
    ${files.map((file) => fileView(file, post))}
  </section>`;
}

function fileView({ name, change, lines, note }: PlanFileView, post: Post): TemplateResult {
  const words = { write: l10n.t('changed'), create: l10n.t('created'), remove: l10n.t('removed') };
  const [added, removed] = (['added', 'removed'] as const).map(
    (kind) => lines.filter((line) => line.kind === kind).length,
  );
  return html`<section class="planned">
    <div class="head">
      <h3>
        <code>${name}</code> <vscode-badge>${words[change]}</vscode-badge>
        <span class="kind">${l10n.t('{0} lines come, {1} go', added ?? 0, removed ?? 0)}</span>
      </h3>
      <button
        type="button"
        class="link open-diff"
        aria-label=${l10n.t('Open {0} as diff editor', name)}
        @click=${() => post({ type: 'open-diff', file: name })}
      >
        ${l10n.t('Open as Diff Editor')}
      </button>
    </div>
    <div class="scroll diff" tabindex="0" role="region" aria-label=${l10n.t('Changes of {0}', name)}>
      <table>
        <tbody>
          ${lines.map(lineView)}
        </tbody>
      </table>
    </div>
    ${note === undefined ? nothing : html`<p class="kind">${note}</p>`}
  </section>`;
}

function lineView({ kind, text, before, after }: DiffLineView): TemplateResult {
  if (kind === 'gap')
    return html`<tr class="gap">
      <td colspan="4">${l10n.t('{0} unchanged lines', text)}</td>
    </tr>`;
  const words = { added: l10n.t('added'), removed: l10n.t('removed'), same: '' };
  return html`<tr class=${kind}>
    <td class="number">${before ?? ''}</td>
    <td class="number">${after ?? ''}</td>
    <td class="sign">
      <span aria-hidden="true">${{ added: '+', removed: '−', same: ' ' }[kind]}</span
      ><span class="visually-hidden">${words[kind]}</span>
    </td>
    <td><code>${text.replaceAll('\r', '␍')}</code></td>
  </tr>`;
}
