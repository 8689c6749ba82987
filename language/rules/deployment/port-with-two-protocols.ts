import * as l10n from '@vscode/l10n';
import { defineRule, finding, istioDocs } from '../../rule.ts';
import { groupBy } from '../group-by.ts';
import { printNames } from '../pods.ts';
import { portsInMesh } from './ports-in-mesh.ts';

/** The proxy keeps one inbound listener per port: it cannot be TCP for one Service and UDP for another. */
export const portWithTwoProtocols = defineRule({
  id: 'deployment/port-with-two-protocols',
  code: 'IST0116',
  severity: 'warning',
  docs: istioDocs('IST0116'),
  why: 'The Services in front of a Deployment of the mesh use one port number with different transport protocols; the proxy can treat the port in one way only.',
  reads: ['Deployment', 'Service', 'Namespace'],
  subject: ['Deployment'],
  *check(resources) {
    for (const { deployment, ports } of portsInMesh(resources)) {
      for (const [port, uses] of groupBy(ports, (use) => use.port)) {
        const protocols = new Set(uses.map(({ protocol }) => protocol));
        if (protocols.size < 2) continue;
        yield finding(
          deployment.metadata.at('name'),
          l10n.t(
            'Port {0} of {1} is {2} to its Services ({3}): the proxy can treat it in one way only. Use different port numbers.',
            port,
            deployment.name,
            [...protocols].join(', '),
            printNames(new Set(uses.map(({ service }) => service))),
          ),
          { related: uses.map(({ at, protocol }) => ({ at: at.at('port'), message: protocol })) },
        );
      }
    }
  },
});
