import { cancelLogin } from './cancel-login.ts';
import { chooseCluster } from './choose-cluster.ts';
import { chooseNamespaces } from './choose-namespaces.ts';
import type { Command } from './define-command.ts';
import { deployNodeHelperCommand } from './deploy-node-helper.ts';
import { explainInjection } from './explain-injection.ts';
import { explainMtls } from './explain-mtls.ts';
import { comparePods } from './compare-pods.ts';
import { showDrift, tracePacket, watchCounters } from './open-tab.ts';
import { installCniPlugin } from './install-cni-plugin.ts';
import { planCniInstallation } from './plan-cni-installation.ts';
import { recreateStuckPods } from './recreate-stuck-pods.ts';
import { openRecording } from './open-recording.ts';
import { recordClusterCommand } from './record-cluster.ts';
import { clearWorkloadsFilter, filterWorkloads } from './filter-workloads.ts';
import { refresh } from './refresh.ts';
import { repairCniChain } from './repair-cni-chain.ts';
import { uninstallCniPlugin } from './uninstall-cni-plugin.ts';
import { revealPod } from './reveal-pod.ts';
import { saveRules } from './save-rules.ts';
import { showIptables } from './show-iptables.ts';
import { removeNodeHelperCommand } from './remove-node-helper.ts';
import { showServicePathCommand } from './show-service-path.ts';
import { showCniChainCommand } from './show-cni-chain.ts';
import { showLog } from './show-log.ts';
import { showRule } from './show-rule.ts';
import { openTerminalCommand } from './open-terminal.ts';
import { loginInTerminal } from './login-in-terminal.ts';
import { listPortForwardsCommand, portForwardCommand } from './port-forward.ts';
import { restartWorkloadCommand } from './restart-workload.ts';
import { showProxyConfigCommand } from './show-proxy-config.ts';
import { showLogsCommand } from './show-logs.ts';
import { openInGrafana, openInJaeger, openInKiali, openInPrometheus } from './open-console.ts';
import { openInKubernetesCommand } from './open-in-kubernetes-extension.ts';
import { showYamlCommand, toggleManagedFieldsCommand } from './show-yaml.ts';

/** Every command, a line each; package.json's titles and `ids.ts` are compared with this list by a test. */
export const commands: readonly Command[] = [
  chooseCluster,
  chooseNamespaces,
  cancelLogin,
  loginInTerminal,
  deployNodeHelperCommand,
  removeNodeHelperCommand,
  planCniInstallation,
  installCniPlugin,
  repairCniChain,
  uninstallCniPlugin,
  recreateStuckPods,
  refresh,
  filterWorkloads,
  clearWorkloadsFilter,
  explainInjection,
  explainMtls,
  showIptables,
  tracePacket,
  showDrift,
  watchCounters,
  comparePods,
  saveRules,
  showServicePathCommand,
  showCniChainCommand,
  revealPod,
  showRule,
  showLog,
  recordClusterCommand,
  openRecording,
  showLogsCommand,
  openTerminalCommand,
  portForwardCommand,
  listPortForwardsCommand,
  showYamlCommand,
  toggleManagedFieldsCommand,
  restartWorkloadCommand,
  showProxyConfigCommand,
  openInKiali,
  openInGrafana,
  openInJaeger,
  openInPrometheus,
  openInKubernetesCommand,
];
