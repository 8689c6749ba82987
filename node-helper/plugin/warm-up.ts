/** The first pod of an agent's life must not pay for compiling what all later ones use. */
import type { Pod } from '../../mesh/kubernetes.ts';
import { decidePod } from './program-pod.ts';
import { printFresh } from './rule-text.ts';
import { wantedRules } from './wanted-rules.ts';
import { defaultAgentSettings } from '../../contract/cni-plugin.ts';

const sample: Pod = {
  metadata: { name: 'sample', namespace: 'sample', annotations: { 'sidecar.istio.io/status': '{}' } },
  spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', args: ['proxy', 'sidecar'] }] },
};

/** Some tens of milliseconds of work, for nothing but its speed the next time. */
export function warmUp(): void {
  for (let time = 0; time < 20; time++) {
    decidePod({ pod: sample }, defaultAgentSettings);
    const { v4, v6 } = wantedRules({ pod: sample }, time % 2 ? ['10.0.0.1'] : ['fd00::1']);
    printFresh(v4.ruleset);
    printFresh(v6.ruleset);
  }
}
