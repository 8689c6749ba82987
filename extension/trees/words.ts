import * as l10n from '@vscode/l10n';
import { decidingStep } from '../../mesh/pods/describe-pod.ts';
import type { PodMeshState } from '../../mesh/pods/describe-pod.ts';
import type { EventReason } from '../../mesh/pods/events.ts';
import type { Trouble } from '../../mesh/pods/find-pod-trouble.ts';
import type { Labels } from '../../mesh/kubernetes.ts';
import type { Step } from '../../mesh/step.ts';
import type { Tone, TooltipLine } from './tree-node.ts';

/** How a pod stands in the mesh, at the end of its line: `injected by CNI · 1.32.0`. */
export function standingOf(state: PodMeshState): string {
  return [standing(state), state.interception.mode === 'TPROXY' && 'TPROXY', versionWords(state.proxy?.version)]
    .filter(Boolean)
    .join(' · ');
}

/** `1.32.0` speaks for itself; of `1` or `latest` nobody would know what it is. */
export function versionWords(version: string | undefined): string | undefined {
  return version === undefined || /^\d+\.\d+/.test(version) ? version : l10n.t('version {0}', version);
}

function standing(state: PodMeshState): string {
  switch (state.role) {
    case 'gateway':
      return l10n.t('gateway');
    case 'waypoint':
      return l10n.t('waypoint');
    case 'ambient':
      return l10n.t('ambient');
    case 'ztunnel':
      return l10n.t('ztunnel of its node');
    case 'none':
      return missingWords(state);
    case 'sidecar':
    case 'native-sidecar':
      if (state.interception.by === 'init') return l10n.t('injected by istio-init');
      if (state.interception.by === 'cni') return l10n.t('injected by CNI');
      return l10n.t('sidecar, nothing redirected');
  }
}

/** Not in the mesh: what it waits for, or why not. */
function missingWords({ why, differs, over }: PodMeshState): string {
  const last = decidingStep(why);
  if (last?.verdict !== 'inject') return reasonWords(why);
  const isAmbient = last.value?.startsWith(ambientLabel) === true;
  if (differs === undefined)
    return isAmbient && !over ? l10n.t('ambient, once it has its network') : l10n.t('not in the mesh');
  return isAmbient ? l10n.t('ambient: not taken in') : l10n.t('not injected: restart to inject');
}

const ambientLabel = 'istio.io/dataplane-mode';

/** Why it is not injected, in two or three words. */
function reasonWords(why: readonly Step[]): string {
  const step = decidingStep(why);
  switch (step?.check) {
    case undefined:
      return l10n.t('not in the mesh');
    case 'windows':
      return l10n.t('not injected: Windows');
    case 'static-pod':
      return l10n.t('not injected: static pod');
    case 'host-network':
      return l10n.t('not injected: host network');
    case 'system-namespace':
      return l10n.t('not injected: system namespace');
    case 'label':
      if (step?.value?.startsWith(ambientLabel)) return l10n.t('not in ambient: opted out by label');
      return l10n.t('not injected: opted out by label');
    case 'annotation':
      return l10n.t('not injected: opted out by annotation');
    case 'namespace':
      return l10n.t('not injected: namespace not labelled');
    case 'revision':
      return l10n.t('not injected: no such revision');
    case 'policy':
      return l10n.t('not injected: injector’s policy');
    case 'never-inject-selector':
      return l10n.t('not injected: injector’s selector');
    case 'pod-security':
      return l10n.t('not injected: Pod Security');
    case 'annotation-value':
      return l10n.t('not injected: annotation value refused');
    default:
      return l10n.t('not injected: no webhook takes it');
  }
}

/** What a namespace's labels ask for. */
export function wishOf(labels: Labels | undefined): string | undefined {
  const injection = labels?.['istio-injection'];
  if (injection === 'enabled') return l10n.t('injection enabled');
  if (injection !== undefined)
    return injection === 'disabled'
      ? l10n.t('injection disabled')
      : l10n.t('istio-injection={0}: no effect', injection);
  const revision = labels?.['istio.io/rev'];
  if (revision !== undefined) return l10n.t('revision {0}', revision);
  return labels?.['istio.io/dataplane-mode'] === 'ambient' ? l10n.t('ambient') : undefined;
}

export function toneOf(trouble: Trouble | undefined): Tone {
  return trouble?.severity === 'error' ? 'error' : trouble?.severity === 'warning' ? 'warning' : 'plain';
}

/** An error or a warning; being on the way is neither. */
export function isProblem(trouble: Trouble | undefined): trouble is Trouble {
  return trouble !== undefined && trouble.severity !== 'info';
}

export function troubleLines(trouble: Trouble): TooltipLine[] {
  return [
    { as: 'heading', text: trouble.short },
    { as: 'text', text: trouble.says },
    ...(trouble.next ? [{ as: 'text', text: trouble.next } as const] : []),
    ...(trouble.event ? eventLines(trouble.event) : []),
  ];
}

export function eventLines({ reason, message, count, last }: EventReason): TooltipLine[] {
  const times = count > 1 ? l10n.t('{0} times', count) : '';
  return [
    { as: 'text', text: [l10n.t('Event {0}', reason), times, last].filter(Boolean).join(' · ') },
    { as: 'quote', text: message },
  ];
}

export function stepLines(steps: readonly Step[]): TooltipLine[] {
  return steps.map(({ says }) => ({ as: 'item', text: says }));
}
