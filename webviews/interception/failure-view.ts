import { html, nothing, type TemplateResult } from 'lit';
import type { FailureView } from '../../contract/interception-view.ts';
import { icon } from './icons.ts';
import type { ViewContext } from './view-context.ts';

/**
 * What happened, why, what to do next, and the buttons for it.
 * @param isCalm something is shown all the same, such as computed rules: a note with better ways rather than an alarm.
 */
export function failureView(
  { what, why, next, actions }: FailureView,
  { post }: ViewContext,
  isCalm = false,
): TemplateResult {
  return html`<section class=${isCalm ? 'failure calm' : 'failure'} role=${isCalm ? 'note' : 'alert'}>
    ${icon(isCalm ? 'info' : 'failure')}
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
