import { html, nothing, svg, type SVGTemplateResult, type TemplateResult } from 'lit';
import * as l10n from '@vscode/l10n';
import type { ReadingView } from '../../../contract/interception-view.ts';
import { icon } from '../icons.ts';
import { indexRows } from '../index-rows.ts';
import { formatPackets } from '../rules/format-count.ts';
import { chainRulesView } from '../rules/rules-view.ts';
import { shownTrace, type TraceAnswer } from '../trace/trace-reading.ts';
import type { Viewport } from '../ui-state.ts';
import type { ViewContext } from '../view-context.ts';
import { countSince } from '../watch/counter-deltas.ts';
import { buildGraph, type ChainGraph, type GraphEdge, type GraphNode } from './build-graph.ts';
import { drawLine, layoutGraph, lineHeight, type GraphLayout } from './layout-graph.ts';
import { fitGraph, nextNode, reveal, showWhole, zoomAt, type Size } from './viewport.ts';

/** What all parts of one drawing share. */
interface Drawing {
  graph: ChainGraph;
  layout: GraphLayout;
  reading: ReadingView;
  context: ViewContext;
  viewport: Viewport;
  canvas: Size;
  answer: TraceAnswer | undefined;
  /** Packets since arming by rule, or all that were ever counted. */
  count: (rules: readonly number[]) => number;
  watching: boolean;
  locale: string | undefined;
}

/** The chains of a reading as a graph: what enters on one side, where it ends on the other. */
export function graphView(reading: ReadingView, context: ViewContext): TemplateResult {
  const drawing = prepare(reading, context);
  const { graph, answer } = drawing;
  const chosen = graph.nodes.find(({ id }) => id === context.ui.node);
  return html`<div class="graph">
    ${toolsView(drawing)} ${canvasView(drawing)}
    ${
      graph.leftOut > 0
        ? html`<p class="graph-note">
            ${icon('info')}${l10n.t(
              'Partial: the {0} chains nearest to the hooks and busiest are drawn, {1} are left out. The Rules tab has them all.',
              graph.nodes.filter(({ chain }) => chain !== undefined).length,
              graph.leftOut,
            )}
          </p>`
        : nothing
    }
    ${
      answer
        ? html`<p class="graph-note traced-note">
            ${icon('turn')}<span><b>${l10n.t('Traced packet')}</b> ${answer.trace.says}</span>
          </p>`
        : nothing
    }
    ${chosen ? chosenView(chosen, drawing) : html`<p class="graph-note">${icon('info')}${l10n.t('Choose a chain or an end to see its rules. Arrow keys walk, + − 0 zoom, dragging moves.')}</p>`}
  </div>`;
}

/** Room that the page has for the drawing; what the stylesheet says, or before the first drawing what it will say. */
function canvasSize(wantedHeight: number): Size {
  const width = document.querySelector('.graph-canvas')?.clientWidth ?? Math.min(1280, window.innerWidth) - 58;
  return { width, height: Math.round(Math.min(Math.max(260, wantedHeight), Math.max(300, window.innerHeight * 0.62))) };
}

function prepare(reading: ReadingView, context: ViewContext): Drawing {
  const { ui } = context;
  const graph = buildGraph(reading);
  const layout = layoutGraph(graph, window.innerWidth < 720 ? 'TB' : 'LR');
  const canvas = canvasSize(layout.height);
  const { rows } = indexRows(reading);
  const deltas = ui.watch && countSince(ui.watch, reading);
  const packets = (rule: number) => (deltas ? (deltas.byRule.get(rule) ?? 0) : (rows[rule]?.row.packets ?? 0));
  return {
    graph,
    layout,
    reading,
    context,
    viewport:
      ui.viewport ?? fitGraph(layout, canvas, layout.nodes.get(ui.node ?? '') ?? layout.nodes.values().next().value),
    canvas,
    answer: shownTrace(reading, ui),
    count: (rules) => rules.reduce((sum, rule) => sum + packets(rule), 0),
    watching: deltas !== undefined,
    locale: document.documentElement.lang || undefined,
  };
}

function toolsView({ context, viewport, canvas, layout, answer }: Drawing): TemplateResult {
  const { update } = context;
  const middle = { x: canvas.width / 2, y: canvas.height / 2 };
  const zoom = (factor: number) => () => update({ viewport: zoomAt(viewport, factor, middle) });
  return html`<div class="graph-tools" role="toolbar" aria-label=${l10n.t('Zoom')}>
    <button class="zoom-out" title=${l10n.t('Smaller (−)')} aria-label=${l10n.t('Smaller')} @click=${zoom(0.8)}>
      ${icon('minus')}
    </button>
    <span class="scale">${Math.round(viewport.scale * 100)} %</span>
    <button class="zoom-in" title=${l10n.t('Larger (+)')} aria-label=${l10n.t('Larger')} @click=${zoom(1.25)}>
      ${icon('plus')}
    </button>
    <button
      class="zoom-fit"
      title=${l10n.t('The whole graph (0)')}
      @click=${() => update({ viewport: showWhole(layout, canvas) })}
    >
      ${l10n.t('Fit')}
    </button>
    <span class="legend">
      <span class="key key-hit">${l10n.t('has met packets')}</span>
      ${answer ? html`<span class="key key-traced">${l10n.t('way of the traced packet')}</span>` : nothing}
      <span class="key key-then">${l10n.t('next table')}</span>
    </span>
  </div>`;
}

function canvasView(drawing: Drawing): TemplateResult {
  const { graph, viewport, canvas, context } = drawing;
  const { x, y, scale } = viewport;
  return html`<svg
    class="graph-canvas"
    height=${canvas.height}
    role="group"
    aria-label=${l10n.t('Graph of the chains: {0} boxes, {1} connections. The Rules tab shows the same as a table.', graph.nodes.length, graph.edges.length)}
    @wheel=${{ handleEvent: (event: WheelEvent) => zoomByWheel(event, drawing), passive: false }}
    @pointerdown=${(event: PointerEvent) => drag(event, drawing)}
    @keydown=${(event: KeyboardEvent) => walk(event, drawing)}
  >
    <defs>${arrowHead('arrow')}${arrowHead('arrow-hit')}${arrowHead('arrow-traced')}</defs>
    <g transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${scale.toFixed(4)})">
      ${graph.edges.map((edge) => edgeView(edge, drawing))}
      ${graph.nodes.map((node, at) => nodeView(node, at, drawing, context))}
    </g>
  </svg>`;
}

function arrowHead(id: string): SVGTemplateResult {
  return svg`<marker id=${id} class=${id} viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 1 9.5 5 0 9z"/></marker>`;
}

function edgeView(
  edge: GraphEdge,
  { layout, answer, count, watching, locale }: Drawing,
): SVGTemplateResult | typeof nothing {
  const place = layout.edges.get(edge.id);
  if (!place) return nothing;
  const packets = count(edge.rules);
  const steps = answer ? edge.rules.flatMap((rule) => answer.stepsOf.get(rule) ?? []).sort((a, b) => a - b) : [];
  const kind = steps.length > 0 ? 'traced' : packets > 0 ? 'hit' : 'quiet';
  const head = { traced: 'arrow-traced', hit: 'arrow-hit', quiet: 'arrow' }[kind];
  const { x, y } = place.label;
  const counted = packets > 0 ? `${watching ? '+' : ''}${formatPackets(packets, locale)}` : '';
  const lines = counted
    ? [...edge.label, watching ? l10n.t('{0} since armed', counted) : l10n.t('{0} packets', counted)]
    : edge.label;
  const top = y - ((lines.length - 1) * lineHeight) / 2 + 4;
  return svg`<g class="edge edge-${edge.kind} ${kind} ${packets > 0 ? 'has-met' : ''}">
    <path class="line" d=${drawLine(place.points, layout.rankdir)} marker-end="url(#${head})"/>
    ${labelBackground(lines, x, top)}
    <g class="edge-label" text-anchor="middle">${lines.map((line, at) => svg`<text class=${counted && at === lines.length - 1 ? 'counted' : ''} x=${x} y=${top + at * lineHeight}>${line}</text>`)}</g>
    ${steps.length > 0 ? stepsBadge(steps, x, top - lineHeight - 6) : nothing}
  </g>`;
}

/** Keeps the line out of its own words. */
function labelBackground(lines: readonly string[], x: number, top: number): SVGTemplateResult {
  const width = Math.max(...lines.map((line) => line.length)) * 5.9 + 6;
  return svg`<rect class="label-background" x=${x - width / 2} y=${top - 11} width=${width} height=${lines.length * lineHeight}/>`;
}

function stepsBadge(steps: readonly number[], x: number, y: number): SVGTemplateResult {
  const text = steps.length > 3 ? `${steps.slice(0, 2).join(', ')}…${steps.at(-1)}` : steps.join(', ');
  const width = text.length * 7 + 12;
  return svg`<g class="step-badge"><rect x=${x - width / 2} y=${y - 8} width=${width} height="16" rx="8"/><text x=${x} y=${y + 4} text-anchor="middle">${text}</text></g>`;
}

function nodeView(
  node: GraphNode,
  at: number,
  drawing: Drawing,
  { ui, update }: ViewContext,
): SVGTemplateResult | typeof nothing {
  const { layout, answer, count, graph } = drawing;
  const box = layout.nodes.get(node.id);
  if (!box) return nothing;
  const { x, y, width, height } = box;
  const chosen = ui.node === node.id;
  const stop = graph.nodes.some(({ id }) => id === ui.node) ? chosen : at === 0;
  const traced = answer !== undefined && isOnWay(node, graph, answer);
  const packets = count(node.rules);
  return svg`<g
    id="node-${at}"
    class="node node-${node.kind} ${packets > 0 ? 'hit' : ''} ${traced ? 'traced' : ''} ${chosen ? 'chosen' : ''}"
    role="button"
    tabindex=${stop ? 0 : -1}
    aria-pressed=${chosen ? 'true' : 'false'}
    aria-label=${nodeName(node, packets, traced)}
    data-node=${node.id}
    transform="translate(${x - width / 2} ${y - height / 2})"
    @click=${() => update({ node: node.id })}
  >
    <rect width=${width} height=${height} rx=${node.kind === 'end' ? height / 2 : node.kind === 'action' ? 2 : 5}/>
    <text class="title" text-anchor="middle" x=${width / 2} y=${node.subtitle ? 18 : height / 2 + 4}>${node.title}</text>
    ${node.subtitle ? svg`<text class="subtitle" text-anchor="middle" x=${width / 2} y="34">${node.subtitle}</text>` : nothing}
  </g>`;
}

/** Whether the traced packet came to a box: by a rule that leads there, or because it met a rule of it. */
function isOnWay({ id, kind, rules }: GraphNode, { edges }: ChainGraph, { stepsOf }: TraceAnswer): boolean {
  if (kind !== 'end' && kind !== 'action' && rules.some((rule) => stepsOf.has(rule))) return true;
  return edges.some((edge) => edge.to === id && edge.rules.some((rule) => stepsOf.has(rule)));
}

/** What a screen reader says of a box. */
function nodeName({ kind, title, subtitle, rules }: GraphNode, packets: number, traced: boolean): string {
  const what =
    kind === 'hook'
      ? l10n.t('Hook {0} of table {1}', title, subtitle)
      : kind === 'chain'
        ? l10n.t('Chain {0} of table {1}', title, subtitle)
        : l10n.t('End {0} {1}', title, subtitle);
  const many = rules.length === 1 ? l10n.t('1 rule') : l10n.t('{0} rules', rules.length);
  return [
    what,
    many,
    ...(packets > 0 ? [l10n.t('{0} packets', packets)] : []),
    ...(traced ? [l10n.t('on the way of the traced packet')] : []),
  ].join(', ');
}

function chosenView(node: GraphNode, { reading, context, graph }: Drawing): TemplateResult {
  const { chain } = node;
  const view = reading.chains.find(({ table, chain: name }) => `${table}/${name}` === chain);
  const { rows } = indexRows(reading);
  const from = graph.edges.filter(({ to, kind }) => to === node.id && kind === 'rule').length;
  return html`<section class="chosen" aria-label=${l10n.t('Rules of {0}', node.title)}>
    <div class="chosen-title">
      <h2><code>${node.title}</code> <span class="says">${view?.says || node.subtitle}</span></h2>
      ${
        chain
          ? html`<vscode-button secondary class="to-rules" @click=${() => context.goToChain(chain)}
              >${icon('table', 'content-before')}${l10n.t('Show in Rules')}</vscode-button
            >`
          : html`<span class="count"
              >${from === 1 ? l10n.t('1 chain leads here') : l10n.t('{0} chains lead here', from)}</span
            >`
      }
    </div>
    ${chainRulesView(
      reading,
      node.rules.slice(0, 200).flatMap((index) => rows[index] ?? []),
      context,
      l10n.t('Rules of {0}', node.title),
    )}
    ${node.rules.length > 200 ? html`<p class="graph-note">${icon('info')}${l10n.t('The first 200 of {0} rules; the Rules tab has them all.', node.rules.length)}</p>` : nothing}
  </section>`;
}

// ---- moving --------------------------------------------------------------------------------------------------------

function zoomByWheel(event: WheelEvent, { context, viewport }: Drawing): void {
  event.preventDefault();
  const { left, top } = (event.currentTarget as Element).getBoundingClientRect();
  const factor = Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 300);
  context.update({ viewport: zoomAt(viewport, factor, { x: event.clientX - left, y: event.clientY - top }) });
}

/** The canvas follows the pointer until it is let go. */
function drag(event: PointerEvent, { context, viewport }: Drawing): void {
  const svgElement = event.currentTarget as SVGElement;
  if (event.button !== 0 || (event.target as Element).closest('.node')) return;
  const { clientX, clientY, pointerId } = event;
  svgElement.setPointerCapture(pointerId);
  const move = (next: PointerEvent) =>
    context.update({
      viewport: { ...viewport, x: viewport.x + next.clientX - clientX, y: viewport.y + next.clientY - clientY },
    });
  const end = () => {
    svgElement.removeEventListener('pointermove', move);
    svgElement.removeEventListener('pointerup', end);
    svgElement.removeEventListener('pointercancel', end);
  };
  svgElement.addEventListener('pointermove', move);
  svgElement.addEventListener('pointerup', end);
  svgElement.addEventListener('pointercancel', end);
}

/** Arrow keys walk from box to box and bring it into sight; with Shift they move the canvas. */
function walk(event: KeyboardEvent, { context, viewport, layout, canvas, graph }: Drawing): void {
  const { key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const middle = { x: canvas.width / 2, y: canvas.height / 2 };
  const moves: Record<string, [number, number]> = {
    ArrowLeft: [60, 0],
    ArrowRight: [-60, 0],
    ArrowUp: [0, 60],
    ArrowDown: [0, -60],
  };
  const change = (): Viewport | undefined => {
    if (key === '+' || key === '=') return zoomAt(viewport, 1.25, middle);
    if (key === '-') return zoomAt(viewport, 0.8, middle);
    if (key === '0') return showWhole(layout, canvas);
    const shift = event.shiftKey ? moves[key] : undefined;
    return shift && { ...viewport, x: viewport.x + shift[0], y: viewport.y + shift[1] };
  };
  const moved = change();
  if (moved) {
    event.preventDefault();
    context.update({ viewport: moved });
    return;
  }
  const current =
    (event.target as Element).closest('[data-node]')?.getAttribute('data-node') ?? graph.nodes[0]?.id ?? '';
  const next =
    key === 'Home'
      ? graph.nodes[0]?.id
      : key === 'End'
        ? graph.nodes.at(-1)?.id
        : key === 'Enter' || key === ' '
          ? current
          : nextNode(layout.nodes, current, key);
  const box = next === undefined ? undefined : layout.nodes.get(next);
  if (next === undefined || !box) return;
  event.preventDefault();
  context.update({ node: next, viewport: reveal(viewport, box, canvas) });
  const at = graph.nodes.findIndex(({ id }) => id === next);
  document.getElementById(`node-${at}`)?.focus({ preventScroll: true });
}
