/** Every state of the service path view in every kind of theme, in a plain browser: `service-path.html?state=NAME&theme=dark`. */
import { mountServicePathView } from '../service-path/mount.ts';
import { servicePathStates } from './service-path-states.ts';
import { applyTheme, themes, type ThemeName } from './themes.ts';

const query = new URLSearchParams(location.search);
const theme = (query.get('theme') ?? 'dark') as ThemeName;
const chosen = query.get('state') ?? 'shares';
const root = document.getElementById('root');

applyTheme(theme in themes ? theme : 'dark');
if (root) {
  const view = mountServicePathView(root, (message) => (document.title = JSON.stringify(message)));
  view.show((Object.hasOwn(servicePathStates, chosen) ? servicePathStates[chosen]! : servicePathStates.shares!)());
}
