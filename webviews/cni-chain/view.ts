/** The CNI chain view: a state in, elements out. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import type {
  ChainFileView,
  CniChainState,
  DaemonSetView,
  FactView,
  HeldPodView,
  NoticeView,
  ProblemView,
} from '../../contract/cni-chain-view.ts';
import type { FailureView } from '../../contract/interception-view.ts';
import { icon } from '../interception/icons.ts';
import { agentSection } from './agent-view.ts';
import { chainSection } from './chain-view.ts';
import { factList, severityIcon, type Post } from './parts.ts';
import { planSection } from './plan-view.ts';

export function cniChainView(state: CniChainState, post: Post): TemplateResult {
  const { phase, failure, plan, chain, agent } = state;
  return html`<main class="interception cni-chain" aria-busy=${phase === 'loading' ? 'true' : 'false'}>
    ${headerView(state, post)} ${failure ? failureView(failure, phase === 'failed', post) : nothing}
    ${
      phase === 'loading' && state.knownFrom === undefined
        ? html`<p class="loading" role="status">
            <vscode-progress-ring></vscode-progress-ring>${l10n.t('Reading the CNI chain of node {0}…', state.node)}
          </p>`
        : nothing
    }
    ${
      phase === 'failed'
        ? nothing
        : html`${problemsSection(state, post)} ${plan ? planSection(plan, post) : nothing}
          ${chain ? chainSection(chain) : nothing} ${filesSection(state)} ${podsSection(state.pods, post)}
          ${agent ? agentSection(agent, post) : nothing}
          ${factsSection(l10n.t('Pod network'), 'network', state.network)} ${daemonSetsSection(state.daemonSets)}`
    }
  </main>`;
}

function headerView(state: CniChainState, post: Post): TemplateResult {
  const { node, context, phase, source, notices, summary, facts, knownFrom } = state;
  return html`<header>
    <div class="title">
      <h1>${node}</h1>
      <span class="actions">
        ${
          knownFrom === 'helper'
            ? html`<vscode-button
                class="run-plan-installation"
                secondary
                @click=${() => post({ type: 'run', command: 'plan-installation' })}
                >${l10n.t('Plan Installation…')}</vscode-button
              >`
            : nothing
        }
        <vscode-button
          class="refresh"
          secondary
          ?disabled=${phase === 'loading'}
          @click=${() => post({ type: 'refresh' })}
          >${icon('refresh', 'content-before')}${phase === 'loading' ? l10n.t('Reading…') : l10n.t('Read Again')}</vscode-button
        >
      </span>
    </div>
    <p class="where">
      <span>${l10n.t('cluster')} <strong>${context}</strong></span>
      ${source ? html`<span>${source}</span>` : nothing}
      ${knownFrom === 'api' ? html`<span class="label">${l10n.t('from the Kubernetes API alone')}</span>` : nothing}
    </p>
    ${
      summary && phase !== 'failed'
        ? html`<p class="summary ${summary.severity}">${severityIcon(summary.severity)}<span>${summary.says}</span></p>`
        : nothing
    }
    ${phase === 'failed' ? nothing : factList(facts)}
    ${
      notices.length > 0 && phase !== 'failed'
        ? html`<ul class="notices">
            ${notices.map(noticeView)}
          </ul>`
        : nothing
    }
  </header>`;
}

function noticeView({ severity, says }: NoticeView): TemplateResult {
  const word = severity === 'warning' ? l10n.t('Warning') : l10n.t('Note');
  return html`<li class="notice ${severity}">
    ${icon(severity)}<span><strong>${word}:</strong> ${says}</span>
  </li>`;
}

function failureView({ what, why, next, actions }: FailureView, whole: boolean, post: Post): TemplateResult {
  return html`<section class="failure ${whole ? '' : 'partial'}" role="alert">
    ${icon(whole ? 'failure' : 'info')}
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

function factsSection(title: string, name: string, facts: FactView[]): TemplateResult | typeof nothing {
  if (facts.length === 0) return nothing;
  return html`<section class="part ${name}">
    <h2>${title}</h2>
    ${factList(facts)}
  </section>`;
}

function problemsSection({ problems, knownFrom }: CniChainState, post: Post): TemplateResult | typeof nothing {
  if (problems.length === 0) return nothing;
  const canRepair = knownFrom === 'helper' && problems.some(({ severity }) => severity === 'error');
  return html`<section class="part problems">
    <div class="head">
      <h2>${l10n.t('Problems')} <span class="kind">${problems.length}</span></h2>
      ${
        canRepair
          ? html`<vscode-button class="run-repair" @click=${() => post({ type: 'run', command: 'repair' })}
              >${l10n.t('Repair…')}</vscode-button
            >`
          : nothing
      }
    </div>
    <ul class="list">
      ${problems.map((problem) => problemView(problem, post))}
    </ul>
  </section>`;
}

function problemView({ severity, code, title, says, whatToDo, about }: ProblemView, post: Post): TemplateResult {
  return html`<li class="card ${severity}">
    ${severityIcon(severity)}
    <div>
      <h3>
        ${title} ${about === undefined ? nothing : html`<code class="kind">${about}</code>`}
        ${code ? html`<span class="kind">${code}</span>` : nothing}
      </h3>
      <p>${says}</p>
      <p class="next"><strong>${l10n.t('What to do:')}</strong> ${whatToDo}</p>
      ${
        code
          ? html`<button
              type="button"
              class="link"
              aria-label=${l10n.t('Open the documentation of {0}', code)}
              @click=${() => post({ type: 'open-docs', code })}
            >
              ${l10n.t('Open Documentation')}
            </button>`
          : nothing
      }
    </div>
  </li>`;
}

function filesSection({ files, knownFrom, phase }: CniChainState): TemplateResult | typeof nothing {
  if (knownFrom !== 'helper') return nothing;
  if (files.length === 0)
    return phase === 'ready'
      ? html`<section class="part files">
          <h2>${l10n.t('Files')}</h2>
          <p class="empty">${icon('info')}${l10n.t('The configuration directory is empty.')}</p>
        </section>`
      : nothing;
  return html`<section class="part files">
    <h2>${l10n.t('Files')} <span class="kind">${l10n.t('in the order in which the runtime reads them')}</span></h2>
    <ol class="list">
      ${files.map(fileView)}
    </ol>
  </section>`;
}

function fileView({ name, standing, says, content }: ChainFileView): TemplateResult {
  const words = {
    'in-force': l10n.t('in force'),
    shadowed: l10n.t('shadowed'),
    broken: l10n.t('cannot be loaded'),
    ignored: l10n.t('ignored'),
  };
  const head = html`<code class="name">${name}</code>
    <vscode-badge class="standing">${words[standing]}</vscode-badge>
    <span class="says">${says}</span>`;
  return html`<li class="file ${standing}">
    ${
      content === undefined
        ? html`<p class="head">${head}</p>`
        : html`<details>
            <summary>${icon('chevron')}${head}</summary>
            <pre tabindex="0" aria-label=${l10n.t('Content of {0}', name)}>${content}</pre>
          </details>`
    }
  </li>`;
}

function podsSection(pods: HeldPodView[], post: Post): TemplateResult | typeof nothing {
  if (pods.length === 0) return nothing;
  const words = {
    starting: l10n.t('cannot start'),
    ending: l10n.t('cannot end'),
    unprotected: l10n.t('held: no rules'),
  };
  return html`<section class="part pods">
    <h2>${l10n.t('Pods that hang on this node’s network')} <span class="kind">${pods.length}</span></h2>
    <ul class="list">
      ${pods.map(
        ({ namespace, name, stuck, says, next }) =>
          html`<li class="card pod">
            <div>
              <h3>
                <button
                  type="button"
                  class="link"
                  aria-label=${l10n.t('Show pod {0} in Workloads', `${namespace}/${name}`)}
                  @click=${() => post({ type: 'reveal-pod', namespace, name })}
                >
                  ${namespace}/${name}
                </button>
                <vscode-badge>${words[stuck]}</vscode-badge>
              </h3>
              <p>${says}</p>
              ${next ? html`<p class="next"><strong>${l10n.t('What to do:')}</strong> ${next}</p>` : nothing}
            </div>
          </li>`,
      )}
    </ul>
  </section>`;
}

function daemonSetsSection(daemonSets: DaemonSetView[]): TemplateResult | typeof nothing {
  if (daemonSets.length === 0) return nothing;
  return html`<section class="part daemon-sets">
    <h2>${l10n.t('DaemonSets of the network')} <span class="kind">${l10n.t('as the Kubernetes API tells')}</span></h2>
    <div class="scroll" tabindex="0" role="region" aria-label=${l10n.t('DaemonSets of the network')}>
      <table>
        <thead>
          <tr>
            <th scope="col">${l10n.t('Product')}</th>
            <th scope="col">DaemonSet</th>
            <th scope="col">${l10n.t('On this node')}</th>
            <th scope="col">${l10n.t('What it mounts of the node')}</th>
          </tr>
        </thead>
        <tbody>
          ${daemonSets.map(
            ({ product, name, standing, ready, hostPaths }) =>
              html`<tr>
                <td>${product}</td>
                <td><code>${name}</code></td>
                <td><span class="with-icon">${severityIcon(ready ? 'good' : 'warning')}${standing}</span></td>
                <td>
                  ${hostPaths.length === 0 ? l10n.t('nothing') : hostPaths.map((path) => html`<code class="path">${path}</code>`)}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}
