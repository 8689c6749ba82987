/** Every state of the CNI chain view in every kind of theme, in a plain browser: `cni-chain.html?state=NAME&theme=dark`. */
import { mountCniChainView } from '../cni-chain/mount.ts';
import { cniChainStates } from './cni-chain-states.ts';
import { applyTheme, themes, type ThemeName } from './themes.ts';

const query = new URLSearchParams(location.search);
const theme = (query.get('theme') ?? 'dark') as ThemeName;
const chosen = query.get('state') ?? 'broken';
const root = document.getElementById('root');

applyTheme(theme in themes ? theme : 'dark');
if (root) {
  const view = mountCniChainView(root, (message) => (document.title = JSON.stringify(message)));
  view.show((Object.hasOwn(cniChainStates, chosen) ? cniChainStates[chosen]! : cniChainStates.broken!)());
}
