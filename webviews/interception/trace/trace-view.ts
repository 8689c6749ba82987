import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import * as l10n from '@vscode/l10n';
import type { InterceptionState, ReadingView } from '../../../contract/interception-view.ts';
import { icon, type IconName } from '../icons.ts';
import { indexRows, parseReading, ruleElementId } from '../index-rows.ts';
import type { ViewContext } from '../view-context.ts';
import { listPresets, type TracePreset } from './presets.ts';
import { readTraceForm, type TraceField, type TraceForm } from './trace-form.ts';
import { traceReading, type TraceAnswer, type TraceStep } from './trace-reading.ts';

/** From here on an answer takes longer than a person types: it waits for the end of a field. */
const manyRules = 5000;

/** The packet to ask about, and the answer: where it ends, and rule by rule why. */
export function traceView(state: InterceptionState, reading: ReadingView, context: ViewContext): TemplateResult {
  const presets = listPresets(reading, parseReading(reading).ruleset, state.trace);
  const form = context.ui.trace ?? presets[0]!.form;
  const { problems = {} } = readTraceForm(form);
  return html`<div class="trace">
    <form class="trace-form" aria-label=${l10n.t('The packet')} @submit=${(event: Event) => event.preventDefault()}>
      ${presetsView(presets, form, context)} ${fieldsView(form, problems, reading, context)}
    </form>
    <div class="answer" role="status" aria-live="polite">
      ${Object.keys(problems).length > 0 ? html`<p class="asks">${icon('info')}${l10n.t('Complete the packet to see where it goes.')}</p>` : answerView(traceReading(reading, form), reading, form, context)}
    </div>
  </div>`;
}

function presetsView(presets: TracePreset[], form: TraceForm, { update }: ViewContext): TemplateResult {
  const chosen = JSON.stringify(form);
  return html`<div class="presets" role="group" aria-label=${l10n.t('Packets people ask about')}>
    ${presets.map(
      (preset) =>
        html`<button
          type="button"
          class="preset preset-${preset.id}"
          title=${preset.says}
          aria-pressed=${JSON.stringify(preset.form) === chosen ? 'true' : 'false'}
          @click=${() => update({ trace: preset.form, showTrace: true })}
        >
          ${preset.label}
        </button>`,
    )}
  </div>`;
}

interface Field {
  field: TraceField;
  label: string;
  hint?: string;
  choices?: [value: string, label: string][];
  disabled?: boolean;
}

function fieldsView(
  form: TraceForm,
  problems: Partial<Record<TraceField, string>>,
  reading: ReadingView,
  { update }: ViewContext,
): TemplateResult {
  const out = form.direction === 'out';
  const fields: Field[] = [
    {
      field: 'direction',
      label: l10n.t('Direction'),
      choices: [
        ['out', l10n.t('out of the pod')],
        ['in', l10n.t('into the pod')],
      ],
    },
    {
      field: 'protocol',
      label: l10n.t('Protocol'),
      choices: [
        ['tcp', 'TCP'],
        ['udp', 'UDP'],
      ],
    },
    { field: 'dst', label: l10n.t('Destination') },
    { field: 'dport', label: l10n.t('Destination port') },
    { field: 'src', label: l10n.t('Source'), hint: out ? l10n.t('as the kernel chooses') : l10n.t('any') },
    { field: 'sport', label: l10n.t('Source port'), hint: l10n.t('any') },
    { field: 'uid', label: l10n.t('User id'), hint: l10n.t('of the process'), disabled: !out },
    { field: 'gid', label: l10n.t('Group id'), hint: l10n.t('of the process'), disabled: !out },
    {
      field: 'iface',
      label: out ? l10n.t('Outgoing interface') : l10n.t('Incoming interface'),
      hint: l10n.t('lo or eth0'),
    },
    { field: 'mark', label: l10n.t('Mark'), hint: '0x0' },
    {
      field: 'ctstate',
      label: l10n.t('Connection state'),
      choices: [
        ['NEW', l10n.t('NEW · first packet')],
        ['ESTABLISHED', l10n.t('ESTABLISHED')],
        ['INVALID', l10n.t('INVALID')],
      ],
    },
    { field: 'localIps', label: l10n.t('The pod’s addresses'), hint: l10n.t('apart by commas') },
  ];
  const set = (field: TraceField) => (event: Event) => {
    const { value } = event.currentTarget as HTMLInputElement | HTMLSelectElement;
    if (form[field] !== value) update({ trace: { ...form, [field]: value }, showTrace: true });
  };
  const patient = indexRows(reading).rows.length > manyRules;
  return html`<div class="fields">
    ${fields.map((each) => fieldView(each, form[each.field], problems[each.field], set(each.field), patient))}
  </div>`;
}

function fieldView(
  { field, label, hint, choices, disabled }: Field,
  value: string,
  problem: string | undefined,
  set: (event: Event) => void,
  patient: boolean,
): TemplateResult {
  const id = `trace-${field}`;
  const control = choices
    ? html`<select id=${id} .value=${live(value)} @change=${set}>
        ${choices.map(([each, text]) => html`<option value=${each} ?selected=${each === value}>${text}</option>`)}
      </select>`
    : html`<input
        id=${id}
        type="text"
        autocomplete="off"
        spellcheck="false"
        placeholder=${hint ?? ''}
        ?disabled=${disabled}
        aria-invalid=${problem ? 'true' : 'false'}
        aria-describedby=${problem ? `${id}-problem` : nothing}
        .value=${live(disabled ? '' : value)}
        @input=${patient ? nothing : set}
        @change=${set}
      />`;
  return html`<div class="field field-${field}">
    <label for=${id}>${label}</label>
    ${control} ${problem ? html`<span class="problem" id="${id}-problem">${problem}</span>` : nothing}
  </div>`;
}

function answerView(
  answer: TraceAnswer | undefined,
  reading: ReadingView,
  form: TraceForm,
  { ui, update, goToRule }: ViewContext,
): TemplateResult | typeof nothing {
  if (!answer) return nothing;
  const { trace, steps } = answer;
  const { rows } = indexRows(reading);
  const says = trace.warnings.reduce((text, warning) => text.replace(warning, ''), trace.says).trim();
  return html`
    <section class="verdict verdict-${trace.verdict.toLowerCase()}">
      ${icon(verdictIcon(trace.verdict))}
      <div>
        <h2>${trace.verdict}${trace.port === undefined ? nothing : html` <span class="port">:${trace.port}</span>`}</h2>
        <p>${says}</p>
        ${trace.warnings.map((warning) => html`<p class="doubt">${icon('question')} ${warning}</p>`)}
      </div>
    </section>
    <div class="way-title">
      <h3>
        ${steps.length === 1 ? l10n.t('The one rule that it met') : l10n.t('The {0} rules that it met, in the kernel’s order', steps.length)}
      </h3>
      <vscode-button secondary class="draw" @click=${() => update({ tab: 'graph', trace: form, showTrace: true })}
        >${icon('graph', 'content-before')}${l10n.t('Show on the Graph')}</vscode-button
      >
      ${
        ui.showTrace
          ? html`<vscode-button secondary class="clear" @click=${() => update({ showTrace: false })}
              >${l10n.t('Unmark in Table and Graph')}</vscode-button
            >`
          : nothing
      }
    </div>
    ${
      steps.length === 0
        ? html`<p class="no-steps">${l10n.t('No rule matched it.')}</p>`
        : html`<ol class="way">
            ${steps.map((step) => stepView(step, step.index === undefined ? undefined : rows[step.index]?.row.explanation, goToRule))}
          </ol>`
    }
  `;
}

function stepView(
  { table, chain, text, index }: TraceStep,
  explanation: string | undefined,
  goToRule: (index: number) => void,
): TemplateResult {
  const go = (event: Event) => {
    event.preventDefault();
    if (index !== undefined) goToRule(index);
  };
  const rule = html`<code>${text}</code>`;
  return html`<li>
    <span class="place"><b>${table}</b> ${chain}</span>
    ${index === undefined ? rule : html`<a href="#${ruleElementId(index)}" @click=${go}>${rule}</a>`}
    ${explanation ? html`<p>${explanation}</p>` : nothing}
  </li>`;
}

function verdictIcon(verdict: string): IconName {
  switch (verdict) {
    case 'DROP':
      return 'failure';
    case 'PASS':
      return 'check';
    default:
      return 'turn';
  }
}
