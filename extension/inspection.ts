/**
 * What is evaluated with the first pod that is looked into: reading rules, explaining and tracing them, the views, and what
 * is done to workloads.
 */

export {
  compareInterception,
  restoreInterception,
  saveInterception,
  showInterception,
} from './panels/interception-panel.ts';
export { restoreCniChain, showCniChain } from './panels/cni-chain-panel.ts';
export { restoreServicePath, showServicePath } from './panels/service-path-panel.ts';
export { showInjection } from './explain/injection-page.ts';
export { showMtls } from './explain/mtls-page.ts';
export { openMesh } from './trees/control-plane/open-mesh.ts';
export { openTool } from './tools/open-tool.ts';
export { recordCluster } from './record/record-cluster.ts';
export { showLogs } from './actions/show-logs.ts';
export { openShell } from './actions/open-shell.ts';
export { forwardPort } from './actions/forward-port.ts';
export { offerForwards } from './actions/offer-forwards.ts';
export { pickForward } from './actions/port-forwards.ts';
export { showYaml, toggleManagedFields } from './actions/yaml-documents.ts';
export { restartWorkload } from './actions/restart-workload.ts';
export { openConsole } from './hand-over/open-console.ts';
export { openInKubernetesExtension, takeExplorerNode } from './hand-over/kubernetes-extension.ts';
export { showProxyConfig } from './actions/show-proxy-config.ts';
export { createAskingGate, refuseWhenProtected } from './actions/ask-at-gate.ts';
