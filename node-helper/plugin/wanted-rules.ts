/** The rules of one pod, from the same model that explains them. */
import { expectedRules } from '../../mesh/interception/expected-rules.ts';
import type { ExpectedRules } from '../../mesh/interception/expected-rules.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import type { KnownPod } from './types.ts';

export interface WantedRules {
  v4: ExpectedRules;
  v6: ExpectedRules;
  families: ('4' | '6')[];
  /** Packets of this mark are delivered here whatever their address: TPROXY needs it. Absent in REDIRECT mode. */
  mark?: number;
}

/**
 * @param addresses the pod's, where it does not carry them itself yet: they decide on IPv6.
 */
export function wantedRules({ pod, namespace }: KnownPod, addresses: readonly string[] = []): WantedRules {
  const inputs = { pod: asLivePod(pod, addresses), mode: 'cni' as const, ...(namespace && { namespace }) };
  const v4 = expectedRules({ ...inputs, family: '4' });
  const v6 = expectedRules({ ...inputs, family: '6' });
  const families: WantedRules['families'] = v6.rules.length > 0 ? ['4', '6'] : ['4'];
  return { v4, v6, families, ...(v4.settings?.mode === 'TPROXY' && { mark: v4.settings.tproxyMark }) };
}

/**
 * A pod of which it is decided that the plugin programs it. The model knows such pods by their `istio-validation`, which an
 * installation may leave out; its arguments (native nftables, say) are for Istio's own plugin.
 */
function asLivePod(pod: Pod, addresses: readonly string[]): Pod {
  const others = (pod.spec?.initContainers ?? []).filter(({ name }) => name !== 'istio-validation');
  const known = (pod.status?.podIPs ?? []).length > 0 || pod.status?.podIP !== undefined || addresses.length === 0;
  return {
    ...pod,
    spec: { ...pod.spec, initContainers: [{ name: 'istio-validation' }, ...others] },
    ...(!known && { status: { ...pod.status, podIPs: addresses.map((ip) => ({ ip })) } }),
  };
}
