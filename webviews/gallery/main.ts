/** Every state of the interception view in every kind of theme, in a plain browser: `?state=NAME&theme=dark`. */
import './gallery.css';
import { html, render } from 'lit';
import type { FromInterceptionView } from '../../contract/interception-view.ts';
import { mountInterceptionView } from '../interception/mount.ts';
import { recordedRules } from './recorded-rules.ts';
import { afterTraffic, comparison, settings, states } from './states.ts';
import { applyTheme, themes, type ThemeName } from './themes.ts';

const query = new URLSearchParams(location.search);
const theme = (query.get('theme') ?? 'dark') as ThemeName;
const chosen = query.get('state') ?? 'redirect';
const root = document.getElementById('root');
const bar = document.getElementById('gallery');

applyTheme(theme in themes ? theme : 'dark');
drawBar();
if (root) {
  const key = (name: string) => `${chosen} ${name}`;
  const kept: unknown = JSON.parse(sessionStorage.getItem(key('ui')) ?? 'null') ?? settings[chosen]?.();
  const view = mountInterceptionView(root, {
    post: (message) => {
      drawBar(message);
      answer(message);
    },
    getState: () => kept,
    setState: (ui) => sessionStorage.setItem(key('ui'), JSON.stringify(ui)),
  });
  let state = (Object.hasOwn(states, chosen) ? states[chosen]! : states.redirect!)();
  let watching: number | undefined;
  const show = (next: typeof state) => view.show((state = next));
  /** As the editor's host does, with a pod on which there is always some traffic. */
  const answer = (message: FromInterceptionView): void => {
    if (message.type === 'compare') {
      const { compare: _before, ...rest } = state;
      show(message.stop ? rest : { ...rest, compare: comparison(recordedRules.annotated) });
    }
    if (message.type !== 'watch') return;
    clearInterval(watching);
    show({ ...state, watch: { on: message.on, seconds: message.seconds } });
    if (message.on) watching = window.setInterval(() => show(afterTraffic(state)), message.seconds * 1000);
  };
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
