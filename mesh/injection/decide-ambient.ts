import * as l10n from '@vscode/l10n';
import type { Namespace, ObjectMeta, PodSpec } from '../kubernetes.ts';
import type { Step } from '../step.ts';

const modeKey = 'istio.io/dataplane-mode';

/**
 * Whether the node agent enrols a pod in the ambient mesh (where that is installed), and every step that leads there.
 * A sidecar wins over ambient: a pod that carries the injector's status stays with its sidecar.
 */
export function decideAmbient({
  pod,
  namespace,
}: {
  pod: { metadata?: ObjectMeta; spec?: PodSpec };
  namespace?: Namespace;
}): { enrolled: boolean; steps: Step[] } {
  const steps: Step[] = [];
  const name = pod.metadata?.name ?? pod.metadata?.generateName ?? l10n.t('the pod');
  const onPod = pod.metadata?.labels?.[modeKey];
  const onNamespace = namespace?.metadata?.labels?.[modeKey];
  const end = (check: string, value: string | undefined, enrolled: boolean, says: string) => {
    steps.push({ check, ...(value !== undefined && { value }), verdict: enrolled ? 'inject' : 'skip', says });
    return { enrolled, steps };
  };

  if (pod.spec?.hostNetwork === true)
    return end(
      'host-network',
      'true',
      false,
      l10n.t("{0} uses the host's network: it cannot be in the ambient mesh.", name),
    );
  steps.push({ check: 'host-network', verdict: 'continue', says: l10n.t('It has a network of its own.') });
  if (pod.metadata?.annotations?.['sidecar.istio.io/status'] !== undefined) {
    return end(
      'already-injected',
      'sidecar.istio.io/status',
      false,
      l10n.t('{0} has a sidecar, which wins over ambient.', name),
    );
  }
  if (onPod === 'ambient')
    return end(
      'label',
      `${modeKey}=ambient`,
      true,
      l10n.t('The label istio.io/dataplane-mode=ambient on {0} enrols it.', name),
    );
  if (onPod === 'none')
    return end(
      'label',
      `${modeKey}=none`,
      false,
      l10n.t('The label istio.io/dataplane-mode=none on {0} keeps it out.', name),
    );
  if (onPod !== undefined) {
    steps.push({
      check: 'label',
      value: `${modeKey}=${onPod}`,
      verdict: 'continue',
      says: l10n.t('The label istio.io/dataplane-mode is "{0}": only "ambient" and "none" count on a pod.', onPod),
    });
  }
  const namespaceName = namespace?.metadata?.name ?? pod.metadata?.namespace ?? 'default';
  if (onNamespace === 'ambient')
    return end(
      'namespace',
      `${modeKey}=ambient`,
      true,
      l10n.t('Namespace {0} is labelled istio.io/dataplane-mode=ambient.', namespaceName),
    );
  return end(
    'namespace',
    onNamespace === undefined ? undefined : `${modeKey}=${onNamespace}`,
    false,
    l10n.t('Namespace {0} is not labelled istio.io/dataplane-mode=ambient.', namespaceName),
  );
}
