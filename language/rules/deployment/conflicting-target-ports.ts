import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { groupBy } from '../group-by.ts';
import { printNames } from '../pods.ts';
import { portsInMesh } from './ports-in-mesh.ts';

/** Inbound, the proxy only sees the container's port; it cannot know which port of a Service the client called. */
export const conflictingTargetPorts = defineRule({
  id: 'deployment/conflicting-target-ports',
  code: 'IST0137',
  severity: 'warning',
  docs: istioDocs('IST0137'),
  why: 'Different ports of Services lead to one port of a Deployment of the mesh: the proxy cannot tell which of them was called and configures the port for one of them.',
  reads: ['Deployment', 'Service', 'Namespace'],
  subject: ['Deployment'],
  *check(resources) {
    for (const { deployment, ports } of portsInMesh(resources)) {
      for (const [target, uses] of groupBy(ports, (use) => use.target)) {
        const numbers = new Set(uses.map(({ port }) => port));
        if (numbers.size < 2) continue;
        yield finding(
          deployment.metadata.at('name'),
          l10n.t(
            'Ports {0} of {1} all lead to port {2} of {3}: the proxy cannot tell them apart. Give each its own target port.',
            [...numbers].join(', '),
            printNames(new Set(uses.map(({ service }) => service))),
            target,
            deployment.name,
          ),
          { related: uses.map(({ at }) => ({ at: at.at('port'), message: l10n.t('Leads there') })) },
        );
      }
    }
  },
});
