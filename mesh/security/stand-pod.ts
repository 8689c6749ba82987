import * as l10n from '@vscode/l10n';
import { decideAmbient } from '../injection/decide-ambient.ts';
import type { YamlParser } from '../injection/annotation-values.ts';
import { decideInjection } from '../injection/decide-injection.ts';
import type { ConfigMap, MutatingWebhookConfiguration, Namespace, Pod } from '../kubernetes.ts';
import { describePod } from '../pods/describe-pod.ts';
import type { MeshRole } from '../pods/describe-pod.ts';
import type { MeshPod, Standing } from './security-objects.ts';

export interface StandingInputs {
  pod: Pod;
  owner: MeshPod['owner'];
  /** Written in a file or a template: what the injector would make of it is asked, not what is there. */
  isTemplate: boolean;
  namespace?: Namespace;
  webhooks?: readonly MutatingWebhookConfiguration[];
  configMaps?: readonly ConfigMap[];
  parseYaml?: YamlParser;
}

/** How a pod meets traffic: as it runs, or, for a template, as the injector and the node agent would make it. */
export function standPod(inputs: StandingInputs): MeshPod & { revision?: string } {
  const { pod, owner } = inputs;
  const { role, says, revision } = describePod(pod);
  if (role === 'none' && inputs.isTemplate) return standTemplate(inputs);
  if (pod.spec?.hostNetwork && role === 'none')
    return {
      pod,
      owner,
      standing: 'none',
      why: l10n.t('it uses the host’s network, where no proxy can stand before it'),
    };
  if (isProxyless(pod))
    return {
      pod,
      owner,
      standing: 'proxyless',
      why: l10n.t('its gRPC library is a part of the mesh by itself, without a proxy'),
    };
  return {
    pod,
    owner,
    standing: standingOf(role),
    why: role === 'none' ? l10n.t('it runs without one') : says,
    ...(revision !== undefined && { revision }),
  };
}

function standingOf(role: MeshRole): Standing {
  if (role === 'native-sidecar') return 'sidecar';
  return role === 'ztunnel' ? 'none' : role;
}

/** The template grpc-agent puts an agent beside the app, which is no proxy; grpc-simple puts nothing there. */
function isProxyless({ metadata, spec }: Pod): boolean {
  const templates = (metadata?.annotations?.['inject.istio.io/templates'] ?? '').split(',').map((one) => one.trim());
  const hasBootstrap = (spec?.containers ?? []).some(({ name, env = [] }) =>
    name === 'istio-proxy'
      ? env.some((one) => one.name === 'ISTIO_META_GENERATOR' && one.value === 'grpc')
      : env.some((one) => one.name === 'GRPC_XDS_BOOTSTRAP'),
  );
  return hasBootstrap && templates.some((name) => name.startsWith('grpc-')) && !templates.includes('sidecar');
}

function standTemplate({ pod, owner, namespace, isTemplate, ...environment }: StandingInputs): MeshPod & {
  revision?: string;
} {
  const home = namespace && { namespace };
  const decision = decideInjection({ pod, ...home, ...environment });
  if (decision.injected)
    return {
      ...{ pod, owner, isTemplate },
      standing: ofTemplates(decision.templates),
      why: decision.steps.at(-1)?.says ?? '',
      ...(decision.revision !== undefined && { revision: decision.revision }),
    };
  const ambient = decideAmbient({ pod, ...home });
  if (ambient.enrolled) return { pod, owner, standing: 'ambient', why: ambient.steps.at(-1)?.says ?? '' };
  return { pod, owner, standing: 'none', why: decision.steps.at(-1)?.says ?? '' };
}

function ofTemplates(templates: readonly string[]): Standing {
  if (templates.some((name) => name === 'gateway')) return 'gateway';
  if (templates.some((name) => name === 'waypoint' || name === 'kube-gateway')) return 'gateway';
  return templates.some((name) => name.startsWith('grpc-')) && !templates.includes('sidecar') ? 'proxyless' : 'sidecar';
}
