import * as l10n from '@vscode/l10n';
import type { Step } from '../step.ts';

/** What to do to have a pod injected that would not be; undefined where it would, or where nothing can be done. */
export function adviseOnDecision(steps: readonly Step[]): string | undefined {
  const last = steps.at(-1);
  if (!last || last.verdict === 'inject' || last.verdict === 'continue') return undefined;
  return last.verdict === 'reject' ? adviseOnRefusal(last) : adviseOnSkip(last);
}

function adviseOnSkip({ check, value, source }: Step): string | undefined {
  switch (check) {
    case 'label':
      return value === 'sidecar.istio.io/inject=false'
        ? l10n.t(
            'To have it injected: take the label sidecar.istio.io/inject out of the pod template, or say "true", then restart it.',
          )
        : l10n.t(
            'To have it injected: say exactly "true" in the label sidecar.istio.io/inject of the pod template, then restart it.',
          );
    case 'annotation':
      return l10n.t(
        'To have it injected: take the annotation sidecar.istio.io/inject out of the pod template, then restart it.',
      );
    case 'namespace':
      return l10n.t(
        'To have it injected: label the namespace istio-injection=enabled, or istio.io/rev with a revision or tag, then restart its workloads.',
      );
    case 'revision':
      return source?.kind === 'Namespace'
        ? l10n.t(
            'To have it injected: name a revision or tag that a control plane answers to in the namespace’s label istio.io/rev, then restart its workloads.',
          )
        : l10n.t(
            'To have it injected: name a revision or tag that a control plane answers to in the pod template’s label istio.io/rev, then restart it.',
          );
    case 'webhook':
      return l10n.t(
        'To have it injected: there must be a control plane whose injector webhook takes this namespace and pod.',
      );
    case 'policy':
      return l10n.t(
        'To have it injected: put the label sidecar.istio.io/inject: "true" into the pod template, then restart it.',
      );
    case 'never-inject-selector':
      return l10n.t('To have it injected: change its labels, or the injector’s neverInjectSelector, then restart it.');
    case 'host-network':
      return l10n.t('To have it injected: do without hostNetwork in the pod template.');
    case 'system-namespace':
      return l10n.t('To have it injected: run it in another namespace.');
    default:
      return undefined;
  }
}

/** A pod that could not even be created. */
function adviseOnRefusal({ check }: Step): string | undefined {
  switch (check) {
    case 'annotation-value':
      return l10n.t('To have it created: correct the value of the annotation in the pod template.');
    case 'template':
      return l10n.t(
        'To have it created: name a template that the injector has in the annotation inject.istio.io/templates.',
      );
    case 'pod-security':
      return l10n.t(
        'To have it created: install Istio’s CNI plugin, so that it needs no istio-init, or lower the level of the namespace.',
      );
    default:
      return undefined;
  }
}
