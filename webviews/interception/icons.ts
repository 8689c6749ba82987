import { html, svg, type SVGTemplateResult, type TemplateResult } from 'lit';

/** Line icons on a 16-pixel grid, in the colour of the text around them. They say nothing that no word beside them says. */
const paths = {
  search: svg`<circle cx="7" cy="7" r="4.25"/><path d="m10.2 10.2 3.3 3.3"/>`,
  refresh: svg`<path d="M13.2 8a5.2 5.2 0 1 1-1.6-3.75L13.5 6"/><path d="M13.5 2.6V6h-3.4"/>`,
  copy: svg`<rect x="5.5" y="5.5" width="8" height="8" rx="1"/><path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2"/>`,
  document: svg`<path d="M4 1.75h5L12.5 5.2v9.05H4z"/><path d="M9 1.75V5.2h3.5"/>`,
  warning: svg`<path d="M8 2.2 14.4 13.5H1.6z"/><path d="M8 6.4v3.4m0 1.6v.6"/>`,
  info: svg`<circle cx="8" cy="8" r="5.75"/><path d="M8 7.2v3.6M8 4.8v.7"/>`,
  failure: svg`<circle cx="8" cy="8" r="5.75"/><path d="m5.9 5.9 4.2 4.2m0-4.2-4.2 4.2"/>`,
  question: svg`<circle cx="8" cy="8" r="5.75"/><path d="M6.3 6.4a1.75 1.75 0 1 1 2.5 1.6c-.5.25-.8.6-.8 1.2m0 1.5v.5"/>`,
  chevron: svg`<path d="m6 3.8 4.2 4.2L6 12.2"/>`,
  plus: svg`<path d="M8 3.5v9M3.5 8h9"/>`,
  minus: svg`<path d="M3.5 8h9"/>`,
  check: svg`<circle cx="8" cy="8" r="5.75"/><path d="m5.4 8.2 1.8 1.8 3.4-3.8"/>`,
  turn: svg`<path d="M2.5 11.5h4a3 3 0 0 0 3-3v-1a3 3 0 0 1 3-3h1"/><path d="m11.2 2 2.5 2.5L11.2 7"/>`,
  graph: svg`<rect x="1.75" y="5.75" width="4.5" height="4.5" rx="1"/><rect x="9.75" y="1.75" width="4.5" height="4.5" rx="1"/><rect x="9.75" y="9.75" width="4.5" height="4.5" rx="1"/><path d="M6.25 8h1.5V4h2M7.75 8v4h2"/>`,
  table: svg`<rect x="2" y="3" width="12" height="10" rx="1"/><path d="M2 6.4h12M2 9.7h12M6 6.4V13"/>`,
  save: svg`<path d="M8 2.5v7.2m-2.8-2.6L8 9.9l2.8-2.8M2.8 11.2v2.3h10.4v-2.3"/>`,
  play: svg`<path d="m5 3 7.5 5L5 13z"/>`,
  stop: svg`<rect x="4" y="4" width="8" height="8" rx="1"/>`,
  swap: svg`<path d="M2.5 5.5h10m-2.6-2.6 2.6 2.6-2.6 2.6M13.5 10.5h-10m2.6-2.6-2.6 2.6 2.6 2.6"/>`,
  calculator: svg`<rect x="3.5" y="1.75" width="9" height="12.5" rx="1"/><path d="M5.5 4.5h5M5.5 7.6h.6m1.6 0h.6m1.6 0h.6M5.5 10.8h.6m1.6 0h.6m1.6 0h.6"/>`,
  partial: svg`<circle cx="8" cy="8" r="5.75"/><path d="M8 2.3v11.4M8.6 5h4M8.6 8h5M8.6 11h4"/>`,
  close: svg`<path d="m4 4 8 8m0-8-8 8"/>`,
} satisfies Record<string, SVGTemplateResult>;

export type IconName = keyof typeof paths;

export function icon(name: IconName, slot?: string): TemplateResult {
  return html`<svg class="icon icon-${name}" slot=${slot ?? ''} viewBox="0 0 16 16" aria-hidden="true">
    ${paths[name]}
  </svg>`;
}
