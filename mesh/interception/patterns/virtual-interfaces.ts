import * as l10n from '@vscode/l10n';
import { byAnnotation } from '../causes.ts';
import type { RulePattern } from '../rule-pattern.ts';

const cause = () => byAnnotation('istio.io/reroute-virtual-interfaces', 'traffic.sidecar.istio.io/kubevirtInterfaces');

/** A virtual machine or an inner docker sends through an interface of the pod: its packets come in at PREROUTING, though they go out. */
export const virtualInterfaces: RulePattern[] = [
  {
    tables: ['nat'],
    chains: ['PREROUTING', 'ISTIO_PRERT'],
    targets: ['ISTIO_REDIRECT', 'REDIRECT'],
    shapes: ['-i', '-i -p', '-i -d', '-i -d -p'],
    says: (rule) =>
      rule.find('-d')
        ? l10n.t(
            'What a virtual machine or container behind interface {0} sends to {1} is treated as outbound and goes to the proxy.',
            rule.value('-i'),
            rule.value('-d'),
          )
        : l10n.t(
            'What a virtual machine or container behind interface {0} sends is treated as outbound and goes to the proxy.',
            rule.value('-i'),
          ),
    cause,
  },
  {
    tables: ['nat'],
    chains: ['PREROUTING', 'ISTIO_PRERT'],
    targets: ['RETURN'],
    shapes: ['-i', '-i -p', '-i -d', '-i -d -p'],
    when: (rule) => rule.facts.reroutedInterfaces.has(rule.value('-i')) || rule.find('-d') !== undefined,
    says: (rule) =>
      l10n.t(
        'What else a virtual machine or container behind interface {0} sends{1}, and no rule above has taken, leaves directly, past the proxy.',
        rule.value('-i'),
        rule.find('-d') ? l10n.t(' to {0}', rule.value('-d')) : '',
      ),
    cause,
  },
];
