/** Every id that package.json and the code must agree on; a test compares the two. */

export const commandIds = {
  chooseCluster: 'meshloom.chooseCluster',
  chooseNamespaces: 'meshloom.chooseNamespaces',
  cancelLogin: 'meshloom.cancelLogin',
  loginInTerminal: 'meshloom.loginInTerminal',
  refresh: 'meshloom.refresh',
  filterWorkloads: 'meshloom.filterWorkloads',
  clearWorkloadsFilter: 'meshloom.clearWorkloadsFilter',
  deployNodeHelper: 'meshloom.deployNodeHelper',
  removeNodeHelper: 'meshloom.removeNodeHelper',
  planCniInstallation: 'meshloom.planCniInstallation',
  installCniPlugin: 'meshloom.installCniPlugin',
  repairCniChain: 'meshloom.repairCniChain',
  uninstallCniPlugin: 'meshloom.uninstallCniPlugin',
  recreateStuckPods: 'meshloom.recreateStuckPods',
  showIptables: 'meshloom.showIptables',
  showServicePath: 'meshloom.showServicePath',
  showCniChain: 'meshloom.showCniChain',
  revealPod: 'meshloom.revealPod',
  tracePacket: 'meshloom.tracePacket',
  showDrift: 'meshloom.showDrift',
  watchCounters: 'meshloom.watchCounters',
  comparePods: 'meshloom.comparePods',
  saveRules: 'meshloom.saveRules',
  explainInjection: 'meshloom.explainInjection',
  explainMtls: 'meshloom.explainMtls',
  showRule: 'meshloom.showRule',
  showLog: 'meshloom.showLog',
  recordCluster: 'meshloom.recordCluster',
  openRecording: 'meshloom.openRecording',
  showLogs: 'meshloom.showLogs',
  openTerminal: 'meshloom.openTerminal',
  portForward: 'meshloom.portForward',
  listPortForwards: 'meshloom.listPortForwards',
  showYaml: 'meshloom.showYaml',
  toggleManagedFields: 'meshloom.toggleManagedFields',
  restartWorkload: 'meshloom.restartWorkload',
  showProxyConfig: 'meshloom.showProxyConfig',
  openInKiali: 'meshloom.openInKiali',
  openInGrafana: 'meshloom.openInGrafana',
  openInJaeger: 'meshloom.openInJaeger',
  openInPrometheus: 'meshloom.openInPrometheus',
  openInKubernetesExtension: 'meshloom.openInKubernetesExtension',
} as const;

export const viewIds = {
  container: 'meshloom',
  workloads: 'meshloom.workloads',
  cniChain: 'meshloom.cniChain',
  mesh: 'meshloom.mesh',
} as const;

/** Types of webview panels; `activationEvents` names them, so that a window that is reloaded gets its panels back. */
export const webviewTypes = {
  interception: 'meshloom.interception',
  cniChain: 'meshloom.cniChainPanel',
  servicePath: 'meshloom.servicePath',
} as const;

export const settingIds = {
  kubeconfig: 'meshloom.cluster.kubeconfig',
  namespaces: 'meshloom.cluster.namespaces',
  protectedContexts: 'meshloom.protectedContexts',
  helperImage: 'meshloom.helper.image',
  cniExcludeNamespaces: 'meshloom.cni.excludeNamespaces',
  cniOnMiss: 'meshloom.cni.onMiss',
  cniBackend: 'meshloom.cni.backend',
  linkKiali: 'meshloom.links.kiali',
  linkGrafana: 'meshloom.links.grafana',
  linkJaeger: 'meshloom.links.jaeger',
  linkPrometheus: 'meshloom.links.prometheus',
  strictness: 'meshloom.analysis.strictness',
  exclude: 'meshloom.analysis.exclude',
  liveCluster: 'meshloom.analysis.liveCluster',
  codeLens: 'meshloom.codeLens.enabled',
} as const;

export type WebviewType = keyof typeof webviewTypes;

/** Tools for language models; package.json has their schemas. */
export const toolNames = {
  analyzeFile: 'meshloom_analyze_file',
  explainInjection: 'meshloom_explain_injection',
  podRules: 'meshloom_pod_rules',
  tracePacket: 'meshloom_trace_packet',
} as const;

/** `setContext` keys that `when` clauses in package.json read. */
export const contextKeys = {
  clusterState: 'meshloom.clusterState',
  workloadsFiltered: 'meshloom.workloadsFiltered',
  nodeHelper: 'meshloom.nodeHelper',
  kubernetesExtension: 'meshloom.kubernetesExtension',
} as const;
