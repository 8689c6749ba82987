/** What the plugin's agent tells of itself and of the node's pods. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import type { AgentView, PodRecordView } from '../../contract/cni-chain-view.ts';
import { icon } from '../interception/icons.ts';
import { factList, severityIcon, type Post } from './parts.ts';

export function agentSection(agent: AgentView, post: Post): TemplateResult {
  const { severity, says, facts, counts, records, omitted, notes } = agent;
  return html`<section class="part agent">
    <h2>${l10n.t('Meshloom’s plugin on this node')}</h2>
    <p class="with-icon state ${severity}">${severityIcon(severity)}<span>${says}</span></p>
    ${factList(facts)}
    ${
      counts.length === 0
        ? nothing
        : html`<p class="counts">
            ${counts.map(({ label, count }) => html`<span><strong>${count}</strong> ${label}</span>`)}
          </p>`
    }
    ${notes.map((note) => html`<p class="kind">${note}</p>`)}
    ${
      records.length === 0
        ? nothing
        : html`<ul class="list records" aria-label=${l10n.t('Pods of this node')}>
            ${records.map((record) => recordView(record, post))}
          </ul>`
    }
    ${omitted > 0 ? html`<p class="kind">${l10n.t('{0} more are not shown.', omitted)}</p>` : nothing}
  </section>`;
}

function recordView(record: PodRecordView, post: Post): TemplateResult {
  const { namespace, name, label, severity, says, steps, problems, at } = record;
  const full = namespace ? `${namespace}/${name}` : name;
  return html`<li class="record">
    <details>
      <summary>
        ${icon('chevron')}${severityIcon(severity)}<span class="name">${full}</span>
        <vscode-badge>${label}</vscode-badge>
        <span class="says">${says}</span>
      </summary>
      <ol class="steps">
        ${steps.map((step) => html`<li>${step}</li>`)}
      </ol>
      ${problems.map((problem) => html`<p class="with-icon bad">${icon('warning')}<span>${problem}</span></p>`)}
      <p class="kind">${at}</p>
      ${
        namespace
          ? html`<button type="button" class="link" @click=${() => post({ type: 'reveal-pod', namespace, name })}>
              ${l10n.t('Show pod {0} in Workloads', full)}
            </button>`
          : nothing
      }
    </details>
  </li>`;
}
