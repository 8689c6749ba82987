import * as l10n from '@vscode/l10n';
import type { QuickFix } from '../../finding.ts';
import { replaceValue } from '../../edits.ts';
import { lookUp } from '../../lookup.ts';
import type { Located } from '../../located.ts';
import type { PodSource, Resource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import { ruledHost } from '../destination-rules.ts';
import { isInMesh, mayBeInMesh, namespaceLabel } from '../in-mesh.ts';
import { PeerAuthentications } from '../peer-authentications.ts';
import type { Demand } from '../peer-authentications.ts';
import { PodIndex } from '../pods.ts';
import { servicePorts } from '../service-ports.ts';
import { sharedRegistry } from '../shared-registry.ts';
import { trafficPolicies } from './policies.ts';

const byName = ({ name }: Resource) => [name];

/** The server's proxy hangs up on whoever does not show a certificate of the mesh; the client gets 503, "connection reset". */
export const tlsAgainstStrict = defineRule({
  id: 'destination-rule/tls-against-strict',
  code: 'ML0205',
  severity: 'error',
  docs: 'https://istio.io/latest/docs/ops/common-problems/network-issues/#503-errors-after-setting-destination-rule',
  why: 'Workloads with STRICT mutual TLS take connections with a certificate of the mesh only. A DestinationRule that makes clients send plain text (DISABLE) or TLS without one (SIMPLE) breaks every request. Reported where it is known that the pods have a proxy.',
  reads: ['DestinationRule', 'PeerAuthentication', 'Service', 'ServiceEntry', 'AnyPod', 'Namespace'],
  subject: ['DestinationRule'],
  *check({ DestinationRule, PeerAuthentication, Service, ServiceEntry, AnyPod, Namespace }, context) {
    const registry = sharedRegistry(Service, ServiceEntry, context);
    const demands = new PeerAuthentications(PeerAuthentication, context);
    const pods = new PodIndex(AnyPod);
    for (const rule of DestinationRule) {
      for (const { mode, port } of plainModes(rule)) {
        const service = registry.find(ruledHost(rule, context.clusterDomain), rule.namespace)?.resource;
        if (service?.kind !== 'Service') continue;
        const strict = findStrict(service, port);
        if (!strict) continue;
        yield finding(mode, describe(rule, mode.string!, strict), {
          related: [{ at: strict.at!, message: l10n.t('Demands mutual TLS') }],
          fixes: [takeMeshTls(mode)],
        });
      }
    }

    function findStrict(service: Resource, port: number | undefined): Demand | undefined {
      const selector = service.spec.at('selector').strings;
      // No pods of its own: the API server, or a service outside of the cluster.
      if (Object.keys(selector).length === 0) return undefined;
      const home = lookUp(Namespace, byName, context).get(service.namespace)[0];
      const behind = pods.matching(selector, service.namespace);
      if (behind.length === 0) {
        const demand = demands.demandIn(service.namespace);
        const isMember = demand.policy?.namespace === service.namespace || isInjected(home);
        return demand.mode === 'STRICT' && isMember && !context.knowsAll('AnyPod') ? demand : undefined;
      }
      for (const pod of behind) {
        const all = targetsOf(service, pod, port).map((target) => demands.demandOn(pod, target));
        const strict = all.find((demand) => demand.mode === 'STRICT');
        if (strict && hasOwnProxy(pod, home, strict)) return strict;
      }
      return undefined;
    }
  },
});

/** Only a proxy demands anything. Of an unknown namespace one is believed in where the policy is for that namespace or less. */
function hasOwnProxy(pod: PodSource, home: Resource | undefined, { policy }: Demand): boolean {
  if (home) return mayBeInMesh(pod, home);
  return policy?.namespace === pod.namespace || isInMesh(pod, home);
}

function isInjected(home: Resource | undefined): boolean {
  return namespaceLabel(home, 'istio-injection') === 'enabled' || namespaceLabel(home, 'istio.io/rev') !== undefined;
}

/** The modes of a DestinationRule that send something else than the mesh's TLS, with the one port they are for. */
function* plainModes({ spec }: Resource): Iterable<{ mode: Located; port: number | undefined }> {
  for (const { policy, level } of trafficPolicies(spec)) {
    const mode = policy.at('tls', 'mode');
    if (mode.string === 'DISABLE' || mode.string === 'SIMPLE')
      yield { mode, port: level === 'port' ? policy.at('port', 'number').number : undefined };
  }
}

/** The container ports behind a Service's port, or behind all of them. A named one is looked up in the pod. */
function targetsOf(service: Resource, pod: PodSource, port: number | undefined): (number | undefined)[] {
  return servicePorts(service)
    .filter((one) => port === undefined || one.port === port)
    .map(({ target }) => {
      if (/^\d+$/.test(target)) return Number(target);
      const named = pod.spec
        .at('containers')
        .items.flatMap((container) => container.at('ports').items)
        .find((containerPort) => containerPort.at('name').string === target);
      return named?.at('containerPort').number;
    });
}

function describe(rule: Resource, mode: string, { policy }: Demand): string {
  const name = `${policy?.namespace ?? ''}/${policy?.name ?? ''}`;
  const host = rule.spec.at('host').string!;
  return mode === 'DISABLE'
    ? l10n.t(
        'Clients send plain text to {0}, which takes mutual TLS only: PeerAuthentication {1} is STRICT. Every request fails. Use ISTIO_MUTUAL, or leave tls out.',
        host,
        name,
      )
    : l10n.t(
        'Clients send TLS without a certificate of the mesh to {0}, which takes mutual TLS only: PeerAuthentication {1} is STRICT. Every request fails. Use ISTIO_MUTUAL, or leave tls out.',
        host,
        name,
      );
}

function takeMeshTls(mode: Located): QuickFix {
  return { title: l10n.t('Change to {0}', 'ISTIO_MUTUAL'), edits: () => replaceValue(mode, 'ISTIO_MUTUAL') };
}
