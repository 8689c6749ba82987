/** What the known CNI plugins do in a chain. A plugin that nobody here knows is `unknown`, which is no fault. */
import * as l10n from '@vscode/l10n';

/**
 * `network` makes the pod's interface, `meta` calls other plugins for it, `adjust` changes what is there (ports, shaping,
 * sysctls), `mesh` programs a mesh's redirect rules and therefore wants to be last.
 */
export type PluginRole = 'network' | 'meta' | 'adjust' | 'mesh' | 'unknown';

const roles: Record<Exclude<PluginRole, 'unknown'>, string[]> = {
  network: [
    ...['bridge', 'ptp', 'macvlan', 'ipvlan', 'vlan', 'host-device', 'dummy', 'loopback', 'tap'],
    ...[
      'calico',
      'cilium-cni',
      'flannel',
      'weave-net',
      'antrea',
      'aws-cni',
      'azure-vnet',
      'kube-ovn',
      'ovn-k8s-cni-overlay',
    ],
    ...['openshift-sdn', 'kube-router', 'contiv-k8s', 'terway', 'spiderpool', 'netavark', 'sriov', 'gke', 'kindnet'],
  ],
  meta: ['multus', 'multus-cni', 'multus-shim', 'galaxy-sdn', 'genie', 'danm', 'knitter', 'multi-nic'],
  adjust: ['portmap', 'bandwidth', 'tuning', 'firewall', 'sbr', 'vrf', 'egress-cni', 'route-override', 'hostport'],
  mesh: ['istio-cni', 'linkerd-cni', 'kuma-cni', 'consul-cni', 'meshloom-cni'],
};

const roleOfType = new Map(
  Object.entries(roles).flatMap(([role, types]) => types.map((type) => [type, role as PluginRole] as const)),
);

/** @param type as the configuration names it: `bridge`. */
export function pluginRole(type: string): PluginRole {
  return roleOfType.get(type) ?? 'unknown';
}

/** A few words for the tree: what this plugin is there for. */
export function describePluginRole(role: PluginRole): string {
  switch (role) {
    case 'network':
      return l10n.t('connects the pod');
    case 'meta':
      return l10n.t('calls other plugins');
    case 'adjust':
      return l10n.t('adjusts the connection');
    case 'mesh':
      return l10n.t('redirects traffic to the mesh’s proxy');
    case 'unknown':
      return l10n.t('purpose not known');
  }
}
