import * as l10n from '@vscode/l10n';
import type { Labels } from '../kubernetes.ts';

/**
 * Whether Pod Security admission turns the injected pod away. It looks at the pod after the injector did, so that a pod
 * that asks for nothing is refused for what was added: istio-init needs NET_ADMIN and NET_RAW to program iptables, and a
 * TPROXY proxy needs NET_ADMIN for its sockets. No pod is left to look at, only an event on the ReplicaSet.
 */
export function findPodSecurityRefusal(injected: {
  name: string;
  namespace: string;
  namespaceLabels: Labels;
  by: 'init' | 'cni' | null;
  mode?: string | undefined;
}): { level: string; says: string } | undefined {
  const { name, namespace, namespaceLabels, by, mode } = injected;
  const level = namespaceLabels['pod-security.kubernetes.io/enforce'];
  if (level !== 'baseline' && level !== 'restricted') return undefined;
  if (by === 'init') {
    return {
      level,
      says: l10n.t(
        'Namespace {0} enforces Pod Security "{1}", which refuses the capabilities NET_ADMIN and NET_RAW of istio-init: {2} cannot be created. Let Istio\'s CNI plugin do the redirection (pilot.cni.enabled=true), then pods need no istio-init.',
        namespace,
        level,
        name,
      ),
    };
  }
  if (by === 'cni' && mode === 'TPROXY') {
    return {
      level,
      says: l10n.t(
        'Namespace {0} enforces Pod Security "{1}", which refuses the capability NET_ADMIN that a TPROXY proxy needs: {2} cannot be created. Use interception mode REDIRECT there.',
        namespace,
        level,
        name,
      ),
    };
  }
  return undefined;
}
