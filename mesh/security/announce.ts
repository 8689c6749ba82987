import * as l10n from '@vscode/l10n';
import { findProxy } from '../pods/describe-pod.ts';
import type { MeshPod } from './security-objects.ts';

/** The injector puts it on what it injects: `istio`. Clients with automatic mutual TLS go by it, and by nothing else. */
export const tlsModeLabel = 'security.istio.io/tlsMode';
const tunnelLabel = 'networking.istio.io/tunnel';

/** What the control plane tells clients about a pod. */
export interface Announcement {
  /** That its proxy takes the mutual TLS of the mesh. */
  mtls: boolean;
  /** That it takes HBONE, the tunnel of ambient, from clients that speak it. */
  tunnel: boolean;
  /** Where that is not what really stands there: why, in a sentence. */
  odd?: string;
}

/**
 * What clients believe of a pod: its labels, not its containers. Gateways are injected without the label, a Deployment
 * may carry it without ever being injected, and somebody may have said `disabled`.
 */
export function announcementOf({ pod, standing, isTemplate }: MeshPod): Announcement {
  const { labels = {} } = pod.metadata ?? {};
  const said = labels[tlsModeLabel];
  const tunnel = standing === 'ambient' || standing === 'waypoint' || labels[tunnelLabel] === 'http';
  const willBeLabelled = standing === 'sidecar' && (isTemplate === true || findProxy(pod) === undefined);
  const mtls = said === undefined ? willBeLabelled : said === 'istio';
  const odd = oddity(standing, said, mtls);
  return { mtls, tunnel, ...(odd && { odd }) };
}

function oddity(standing: MeshPod['standing'], said: string | undefined, mtls: boolean): string | undefined {
  if (standing === 'none' && mtls)
    return l10n.t(
      'The pod carries the label {0}=istio without having a proxy: clients believe that it takes mutual TLS. Take the label out of the pod template.',
      tlsModeLabel,
    );
  if (standing !== 'sidecar' || mtls) return undefined;
  return said === undefined
    ? l10n.t('The pod lacks the label {0}=istio: clients take it for one without a proxy.', tlsModeLabel)
    : l10n.t('The pod’s label {0} says “{1}”: clients send it plain text.', tlsModeLabel, said);
}
