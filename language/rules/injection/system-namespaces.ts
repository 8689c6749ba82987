/** Namespaces whose injection nobody is asked about: Kubernetes' own, and the control plane's. */
export function isSystemNamespace(name: string): boolean {
  return ['istio-system', 'kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'].includes(name);
}
