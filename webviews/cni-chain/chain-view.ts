/** The plugins in the order in which the runtime runs them, and the versions that each of them speaks. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import type { ChainPluginView, PluginChainView } from '../../contract/cni-chain-view.ts';
import { icon } from '../interception/icons.ts';
import { severityIcon } from './parts.ts';

export function chainSection(chain: PluginChainView): TemplateResult {
  const { file, name, cniVersion, plugins } = chain;
  return html`<section class="part plugins">
    <h2>
      ${l10n.t('Plugin chain')} <code class="kind">${file}</code>
      ${name === undefined ? nothing : html`<span class="kind">${l10n.t('network {0}', name)}</span>`}
      ${cniVersion === undefined ? nothing : html`<span class="kind">${l10n.t('asks for CNI {0}', cniVersion)}</span>`}
    </h2>
    <ol class="drawn" aria-label=${l10n.t('The plugins in the order in which they run')}>
      ${plugins.map((plugin, at) => pluginView(plugin, at, cniVersion))}
    </ol>
    ${matrixView(chain)}
  </section>`;
}

function pluginView(plugin: ChainPluginView, at: number, asked: string | undefined): TemplateResult {
  const { type, role, kind, program, path, versions, whyUnknown, calls, from, severity } = plugin;
  const refuses = asked !== undefined && versions?.includes(asked) === false;
  return html`<li class="plugin ${kind} ${severity ?? ''}">
    <h3>${severity ? severityIcon(severity) : nothing}<span class="place">${at + 1}</span> <code>${type}</code></h3>
    <p class="kind">${role}${from === undefined ? nothing : ` · ${l10n.t('taken in from {0}', from)}`}</p>
    <p>
      ${
        program === 'there'
          ? html`<code class="path">${path}</code>`
          : program === 'missing'
            ? html`<span class="with-icon bad">${icon('failure')}${l10n.t('program missing')}</span>`
            : l10n.t('program not looked for')
      }
    </p>
    ${
      versions
        ? html`<p class=${refuses ? 'bad' : ''}>
            ${refuses ? l10n.t('speaks {0}, not {1}', versions.join(', '), asked) : l10n.t('speaks {0}', versions.join(', '))}
          </p>`
        : html`<p class="bad">${whyUnknown ?? l10n.t('versions not known')}</p>`
    }
    ${
      calls.length === 0
        ? nothing
        : html`<ul class="calls" aria-label=${l10n.t('Programs that {0} calls', type)}>
            ${calls.map(
              ({ type: called, why, says, missing }) =>
                html`<li>
                  ${icon(missing ? 'failure' : 'turn')}<code>${called}</code>
                  <span class="kind"
                    >${why === 'addresses' ? l10n.t('hands out the addresses') : l10n.t('does the rest')}${
                      missing ? html` · <strong>${l10n.t('program missing')}</strong>` : nothing
                    }${says === undefined ? nothing : ` · ${says}`}</span
                  >
                </li>`,
            )}
          </ul>`
    }
  </li>`;
}

/** Plugin × version. A sign and a word in each cell; the column that is asked for is named in its heading. */
function matrixView({ versions, plugins, cniVersion }: PluginChainView): TemplateResult {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${l10n.t('Versions of the CNI specification')}>
    <table class="matrix">
      <caption class="visually-hidden">
        ${l10n.t('Which version of the CNI specification each plugin speaks')}
      </caption>
      <thead>
        <tr>
          <th scope="col">${l10n.t('Plugin')}</th>
          ${versions.map(
            (version) =>
              html`<th scope="col" class=${version === cniVersion ? 'asked' : ''}>
                ${version}${version === cniVersion ? html`<span class="mark">${l10n.t('asked for')}</span>` : nothing}
              </th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${plugins.map(
          (plugin) =>
            html`<tr>
              <th scope="row"><code>${plugin.type}</code></th>
              ${versions.map((version) => cellView(plugin, version, version === cniVersion))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function cellView({ versions }: ChainPluginView, version: string, asked: boolean): TemplateResult {
  const [sign, word, kind] = !versions
    ? ['?', l10n.t('not known'), 'unknown']
    : versions.includes(version)
      ? ['✓', l10n.t('spoken'), 'yes']
      : ['✗', l10n.t('not spoken'), 'no'];
  return html`<td class="${kind} ${asked ? 'asked' : ''}">
    <span aria-hidden="true">${sign}</span><span class="visually-hidden">${word}</span>
  </td>`;
}
