import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import type { PodSource } from '../../resource.ts';
import { defineRule, finding } from '../../rule.ts';
import { PodIndex, podsMayBeHidden, selectorLabels } from '../pods.ts';
import { portsBefore, selectingServices } from '../service-ports.ts';
import type { ServicePort } from '../service-ports.ts';

/** The port is the container's. With the Service's number the setting is for a port that nobody listens on. */
export const portNotExposed = defineRule({
  id: 'peer-authentication/port-not-exposed',
  code: 'ML0207',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/tasks/security/authentication/authn-policy/#enable-mutual-tls-per-workload',
  why: 'portLevelMtls names ports of the workload (not of its Service), and Istio uses it for ports that a Service leads to. For any other port it is without effect. Reported where the pods and a Service in front of them are at hand.',
  reads: ['PeerAuthentication', 'AnyPod', 'Service'],
  subject: ['PeerAuthentication'],
  *check({ PeerAuthentication, AnyPod, Service }, context) {
    const pods = new PodIndex(AnyPod);
    const services = selectingServices(Service);
    for (const { spec, namespace } of PeerAuthentication) {
      const ports = spec.at('portLevelMtls').entries;
      const labels = selectorLabels(spec.at('selector', 'matchLabels'));
      if (ports.length === 0 || !labels) continue;
      const selected = pods.matching(labels, namespace);
      if (selected.length === 0 || podsMayBeHidden(context) || context.mayBeHidden('Service')) continue;
      const before = selected.flatMap((pod) => portsBefore(pod, services));
      if (before.length === 0) continue;
      const known = new Set([
        ...before.flatMap((port) => targetsOf(port, selected)),
        ...selected.flatMap(containerPorts),
      ]);
      for (const { key } of ports) {
        const port = Number(key.value);
        if (!Number.isInteger(port) || known.has(port)) continue;
        const behind = before.find((one) => one.port === port);
        const meant = behind && targetsOf(behind, selected)[0];
        yield finding(
          key,
          meant === undefined
            ? l10n.t(
                'No pod that this policy selects has port {0}; they have {1}. The setting is without effect.',
                port,
                [...known].sort((a, b) => a - b).join(', '),
              )
            : l10n.t(
                'Port {0} is that of Service {1}; the workload listens on {2}, and that is what counts here. The setting is without effect.',
                port,
                behind!.service.name,
                meant,
              ),
          meant === undefined
            ? {}
            : {
                related: [{ at: behind!.at, message: l10n.t('Leads there') }],
                fixes: ports.some((other) => Number(other.key.value) === meant)
                  ? []
                  : [
                      {
                        title: l10n.t('Change to port {0}', meant),
                        preferred: true,
                        edits: () => rename(key, String(meant)),
                      },
                    ],
              },
        );
      }
    }
  },
});

/** A target by name is whatever port of that name the pods have. */
function targetsOf({ target }: ServicePort, pods: readonly PodSource[]): number[] {
  if (/^\d+$/.test(target)) return [Number(target)];
  return pods
    .flatMap(portsOf)
    .filter((port) => port.at('name').string === target)
    .flatMap((port) => port.at('containerPort').number ?? []);
}

function containerPorts(pod: PodSource): number[] {
  return portsOf(pod).flatMap((port) => port.at('containerPort').number ?? []);
}

function portsOf({ spec }: PodSource) {
  return spec.at('containers').items.flatMap((container) => container.at('ports').items);
}
