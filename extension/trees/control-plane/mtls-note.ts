import * as l10n from '@vscode/l10n';
import { choosePolicies, modeOn } from '../../../mesh/security/choose-policies.ts';
import type { MtlsMode } from '../../../mesh/security/choose-policies.ts';
import { asPolicy } from '../../../mesh/security/security-objects.ts';
import { controlPlaneNamespaces } from '../../cluster/control-plane-namespaces.ts';
import type { MeshModel } from '../store/mesh-model.ts';
import type { PolicyWatch } from './policy-watch.ts';
import type { TooltipLine, TreeNode } from '../tree-node.ts';
import type { PodNode, WorkloadNode } from '../workloads/workload-nodes.ts';

/**
 * Which mutual TLS the proxy of a pod demands, in a line of its tooltip; nothing for pods to which no policy applies, and
 * while the policies are not known. Ports that are left out of the redirection are Explain mTLS's to tell.
 */
export function mtlsNote(node: TreeNode, model: MeshModel, policies: PolicyWatch): TooltipLine[] {
  const entry = podBehind(node);
  if (!entry || !['sidecar', 'native-sidecar', 'ambient'].includes(entry.state.role)) return [];
  if (policies.phase === 'refused')
    return [{ as: 'text', text: l10n.t('Mutual TLS: not known, as PeerAuthentications may not be read here.') }];
  if (policies.phase !== 'live') return [];
  const { pod, state } = entry;
  const { namespace = '', labels } = pod.metadata ?? {};
  const root = rootNamespace(model, state.revision);
  const chosen = choosePolicies(policies.all().map(asPolicy), { namespace, labels }, root);
  // ztunnel does not know DISABLE, and takes both.
  const told = (mode: MtlsMode) => (state.role === 'ambient' && mode === 'DISABLE' ? 'PERMISSIVE' : mode);
  const { mode, policy } = modeOn(chosen);
  // What the levels above say matters only where none below says anything.
  const unread = policies.knows(namespace) ? (policy || policies.knows(root) ? undefined : root) : namespace;
  if (unread !== undefined)
    return [
      {
        as: 'text',
        text: l10n.t('Mutual TLS: not known, as PeerAuthentications of namespace {0} are not read.', unread),
      },
    ];
  const by = policy ? `${policy.namespace}/${policy.name}` : l10n.t('default');
  const ports = Object.keys(chosen.workload?.portModes ?? {}).map(
    (port) => `${port}: ${told(modeOn(chosen, Number(port)).mode)}`,
  );
  return [{ as: 'text', text: l10n.t('Mutual TLS: {0}', [`${told(mode)} (${by})`, ...ports].join(', ')) }];
}

/** Told by what they carry: this bundle has classes of its own. Of a workload, a pod that runs. */
function podBehind(node: TreeNode): Pick<PodNode, 'pod' | 'state'> | undefined {
  const { flags } = node;
  if (flags.includes('workload')) return (node as WorkloadNode).workload.pods.find(({ state }) => !state.over);
  return flags.includes('pod') && 'state' in node ? (node as PodNode) : undefined;
}

/** As the configuration of the pod's control plane says it, else the mesh's, else where the control plane lives. */
function rootNamespace(model: MeshModel, revision = 'default'): string {
  const { configMaps = [], webhooks = [] } = model.environment();
  const named = (name: string) => configMaps.find(({ metadata }) => metadata?.name === name)?.data?.['mesh'];
  const settings = named(`istio-${revision}`) ?? named('istio');
  const said = /^rootNamespace:\s*["']?([a-z0-9-]+)/m.exec(settings ?? '')?.[1];
  return said ?? controlPlaneNamespaces(webhooks)[0] ?? 'istio-system';
}
