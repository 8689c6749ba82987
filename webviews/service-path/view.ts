/** The service path view: a state in, elements out. */
import * as l10n from '@vscode/l10n';
import { html, nothing, svg, type TemplateResult } from 'lit';
import type { FailureView } from '../../contract/interception-view.ts';
import type { FromServicePathView, ServicePathState } from '../../contract/service-path-view.ts';
import type {
  ClientPath,
  EndpointOnNode,
  FrontendPath,
  PathStep,
  ServicePath,
} from '../../mesh/service-path/service-path.ts';
import { icon, type IconName } from '../interception/icons.ts';

type Post = (message: FromServicePathView) => void;

export function servicePathView(state: ServicePathState, post: Post): TemplateResult {
  const { phase, paths, failure, whyNone } = state;
  const isEmpty = phase === 'ready' && paths.length === 0;
  return html`<main class="interception service-path" aria-busy=${phase === 'loading' ? 'true' : 'false'}>
    ${headerView(state, post)} ${phase === 'failed' && failure ? failureView(failure, post) : nothing}
    ${
      phase === 'loading' && paths.length === 0
        ? html`<p class="loading">
            <vscode-progress-ring></vscode-progress-ring>${l10n.t('Reading the rules of node {0}…', state.node)}
          </p>`
        : nothing
    }
    ${isEmpty ? html`<p class="empty">${icon('info')}${whyNone ?? l10n.t('The rules of this node know no such Service.')}</p>` : nothing}
    ${phase === 'failed' ? nothing : paths.map(pathView)}
  </main>`;
}

function headerView({ service, node, context, phase, source, notes }: ServicePathState, post: Post): TemplateResult {
  return html`<header>
    <div class="title">
      <h1>${service.name}</h1>
      <vscode-button
        class="refresh"
        secondary
        ?disabled=${phase === 'loading'}
        @click=${() => post({ type: 'refresh' })}
        >${icon('refresh', 'content-before')}${phase === 'loading' ? l10n.t('Reading…') : l10n.t('Read Again')}</vscode-button
      >
    </div>
    <p class="where">
      <span>${l10n.t('namespace')} <strong>${service.namespace}</strong></span>
      <span>${l10n.t('node')} <strong>${node}</strong></span>
      <span>${l10n.t('cluster')} <strong>${context}</strong></span>
      ${source ? html`<span>${source}</span>` : nothing}
    </p>
    ${
      notes.length > 0 && phase !== 'failed'
        ? html`<ul class="notices">
            ${notes.map((text) => noticeView('info', l10n.t('Note'), text))}
          </ul>`
        : nothing
    }
  </header>`;
}

function noticeView(kind: IconName, word: string, text: string): TemplateResult {
  return html`<li class="notice ${kind === 'failure' ? 'severe' : kind}">
    ${icon(kind)}<span><strong>${word}:</strong> ${text}</span>
  </li>`;
}

function failureView({ what, why, next, actions }: FailureView, post: Post): TemplateResult {
  return html`<section class="failure" role="alert">
    ${icon('failure')}
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

function pathView(path: ServicePath): TemplateResult {
  const { service, family, mode, summary, problems, endpoints, frontends, sourceRanges, healthCheckNodePort } = path;
  const words = { error: l10n.t('Error'), warning: l10n.t('Warning'), info: l10n.t('Note') };
  const icons = { error: 'failure', warning: 'warning', info: 'info' } as const;
  return html`<section class="path">
    <h2>
      ${l10n.t('Port {0}', service.port || service.protocol)}
      <span class="kind">${service.protocol.toUpperCase()} · IPv${family} · ${mode}</span>
    </h2>
    <p class="summary">${summary}</p>
    ${sourceRanges ? html`<p>${l10n.t('Only clients in {0} may use its load balancer address (loadBalancerSourceRanges).', sourceRanges.join(', '))}</p>` : nothing}
    ${healthCheckNodePort !== undefined ? html`<p>${l10n.t('Health check node port: {0}.', healthCheckNodePort)}</p>` : nothing}
    ${
      problems.length > 0
        ? html`<ul class="notices">
            ${problems.map(({ severity, message }) => noticeView(icons[severity], words[severity], message))}
          </ul>`
        : nothing
    }
    ${endpoints.length > 0 ? endpointsView(endpoints) : nothing} ${frontends.map(frontendView)}
  </section>`;
}

function endpointsView(endpoints: EndpointOnNode[]): TemplateResult {
  return html`<table class="endpoints">
    <thead>
      <tr>
        <th scope="col">${l10n.t('Endpoint')}</th>
        <th scope="col">${l10n.t('New connections')}</th>
        <th scope="col">${l10n.t('Pod')}</th>
        <th scope="col">${l10n.t('State')}</th>
      </tr>
    </thead>
    <tbody>
      ${endpoints.map(
        (each) =>
          html`<tr class="standing-${each.standing}">
            <td><code>${printEndpoint(each)}</code></td>
            <td>${shareView(each.percent)}</td>
            <td>${each.pod ?? ''}${each.node ? html` <span class="kind">${each.node}</span>` : nothing}</td>
            <td>${each.says}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function shareView(percent: number): TemplateResult {
  return html`<span class="amount">${percent.toFixed(2)} %</span>
    <svg class="share-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      ${svg`<rect width="${Math.max(0, Math.min(100, percent))}" height="6"></rect>`}
    </svg>`;
}

function printEndpoint({ address, port }: { address: string; port: number }): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function frontendView({ kind, address, port, clients }: FrontendPath): TemplateResult {
  const names = {
    'cluster-ip': l10n.t('Cluster IP'),
    'external-ip': l10n.t('External IP'),
    'load-balancer': l10n.t('Load balancer'),
    'node-port': l10n.t('Node port'),
  };
  return html`<section class="frontend">
    <h3>${names[kind]} <code>${address === '' ? port : printEndpoint({ address, port })}</code></h3>
    ${clients.map(clientView)}
  </section>`;
}

function clientView({ who, verdict, says, masqueraded, whyMasqueraded, steps }: ClientPath): TemplateResult {
  const badge = {
    endpoints: l10n.t('forwarded'),
    REJECT: l10n.t('refused'),
    DROP: l10n.t('dropped'),
    none: l10n.t('not taken'),
  };
  return html`<details class="client verdict-${verdict.toLowerCase()}">
    <summary>
      ${icon('chevron')}
      <span class="from">${l10n.t('From {0}', who)}</span>
      <vscode-badge>${badge[verdict]}</vscode-badge>
      ${masqueraded ? html`<vscode-badge>${l10n.t('masqueraded')}</vscode-badge>` : nothing}
      <span class="says">${says}</span>
    </summary>
    ${whyMasqueraded ? html`<p class="why">${whyMasqueraded}</p>` : nothing}
    <ol class="steps">
      ${steps.map(stepView)}
    </ol>
  </details>`;
}

function stepView({ rule, says, percent, counters }: PathStep): TemplateResult {
  return html`<li>
    <span class="amount">${percent} %</span>
    <div>
      <p>${says}</p>
      <code>${rule}</code
      >${counters ? html` <span class="kind">${l10n.t('{0} packets', counters.packets)}</span>` : nothing}
    </div>
  </li>`;
}
