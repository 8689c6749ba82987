/** Every state of the interception view in every kind of theme, in a plain browser: `?state=NAME&theme=dark`. */
import './gallery.css';
import { html, render } from 'lit';
import type { FromInterceptionView } from '../../contract/interception-view.ts';
import { mountInterceptionView } from '../interception/mount.ts';
import { states } from './states.ts';
import { applyTheme, themes, type ThemeName } from './themes.ts';

const query = new URLSearchParams(location.search);
const theme = (query.get('theme') ?? 'dark') as ThemeName;
const chosen = query.get('state') ?? 'redirect';
const root = document.getElementById('root');
const bar = document.getElementById('gallery');

applyTheme(theme in themes ? theme : 'dark');
drawBar();
if (root) {
  const view = mountInterceptionView(root, {
    post: (message) => drawBar(message),
    getState: () => JSON.parse(sessionStorage.getItem(chosen) ?? 'null'),
    setState: (state) => sessionStorage.setItem(chosen, JSON.stringify(state)),
  });
  const state = (states[chosen] ?? states.redirect!)();
  performance.mark('state');
  view.show(state);
  performance.measure('elements', 'state');
  // The frame after the next one is drawn when the first is on the screen.
  requestAnimationFrame(() => requestAnimationFrame(() => performance.measure('painted', 'state')));
}

/** What the host would have been told last stands in the bar. */
function drawBar(message?: FromInterceptionView): void {
  if (!bar) return;
  const go = (name: string) => (event: Event) => {
    query.set(name, (event.currentTarget as HTMLSelectElement).value);
    location.search = query.toString();
  };
  render(
    html`<label
        >State
        <select id="state" @change=${go('state')}>
          ${options(Object.keys(states), chosen)}
        </select></label
      >
      <label
        >Theme
        <select id="theme" @change=${go('theme')}>
          ${options(Object.keys(themes), theme)}
        </select></label
      >
      <output id="posted">${message ? JSON.stringify(message).slice(0, 200) : ''}</output>`,
    bar,
  );
}

function options(names: string[], selected: string): unknown {
  return names.map((name) => html`<option value=${name} ?selected=${name === selected}>${name}</option>`);
}
