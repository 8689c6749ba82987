import * as l10n from '@vscode/l10n';
import { matchesSelector } from '../selectors.ts';
import type { Step, StepSource } from '../step.ts';
import { injectKey, onPod, type Facts } from './injection-facts.ts';
import type { InjectorConfig } from './injector-config.ts';

const systemNamespaces = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'];

/** The injector's own decision, after the API server sent it the pod. @returns whether it injects. */
export function askInjector(facts: Facts, config: InjectorConfig, steps: Step[]): boolean {
  const { name, namespace, spec, labels } = facts;
  const add = (
    check: string,
    value: string | undefined,
    verdict: Step['verdict'],
    says: string,
    source?: StepSource,
  ): boolean => {
    steps.push({ check, ...(value !== undefined && { value }), verdict, says, ...(source && { source }) });
    return verdict === 'inject';
  };

  if (spec.hostNetwork === true) {
    return add(
      'host-network',
      'true',
      'skip',
      l10n.t(
        "{0} uses the host's network: redirecting its traffic would redirect the whole node's, so it is never injected.",
        name,
      ),
      { kind: 'Pod', path: ['spec', 'hostNetwork'] },
    );
  }
  add('host-network', undefined, 'continue', l10n.t('It has a network of its own.'));
  if (systemNamespaces.includes(namespace)) {
    return add(
      'system-namespace',
      namespace,
      'skip',
      l10n.t('{0} is a system namespace: its pods are never injected.', namespace),
      { kind: 'Pod', path: ['metadata', 'namespace'] },
    );
  }

  const said = switchOf(facts);
  if (said) {
    const source =
      said.check === 'label'
        ? l10n.t('The label sidecar.istio.io/inject')
        : l10n.t('The annotation sidecar.istio.io/inject');
    const at = onPod(said.check === 'label' ? 'labels' : 'annotations', injectKey);
    if (said.value === 'true')
      return add(said.check, `${injectKey}=true`, 'inject', l10n.t('{0} is "true": injected.', source), at);
    if (said.value === 'false')
      return add(said.check, `${injectKey}=false`, 'skip', l10n.t('{0} is "false": not injected.', source), at);
    const says =
      said.value === ''
        ? l10n.t('{0} is empty: it decides nothing.', source)
        : l10n.t(
            '{0} is "{1}". Only exactly "true" and "false" decide, so the injector passes over it.',
            source,
            said.value,
          );
    add(said.check, `${injectKey}=${said.value}`, 'continue', says, at);
  }

  // A selector without any condition would take every pod; the injector passes over it.
  const takes = (selectors: InjectorConfig['neverInject']) =>
    selectors.find((selector) => !isEmpty(selector) && matchesSelector(selector, labels));
  const never = takes(config.neverInject);
  if (never)
    return add(
      'never-inject-selector',
      JSON.stringify(never),
      'skip',
      l10n.t("The injector's neverInjectSelector matches the labels of {0}.", name),
      config.sources.neverInject,
    );
  const always = takes(config.alwaysInject);
  if (always)
    return add(
      'always-inject-selector',
      JSON.stringify(always),
      'inject',
      l10n.t("The injector's alwaysInjectSelector matches the labels of {0}.", name),
      config.sources.alwaysInject,
    );

  if (config.policy === 'enabled')
    return add(
      'policy',
      'enabled',
      'inject',
      l10n.t('Nothing on the pod decides, and the injector\'s policy is "enabled": injected.'),
      config.sources.policy,
    );
  const says =
    config.policy === 'disabled'
      ? l10n.t(
          'Nothing on the pod decides, and the injector\'s policy is "disabled" (global.proxy.autoInject): not injected. The label sidecar.istio.io/inject=true would.',
        )
      : l10n.t(
          'Nothing on the pod decides, and the injector\'s policy is "{0}", which it does not know: not injected.',
          config.policy,
        );
  return add('policy', config.policy, 'skip', says, config.sources.policy);
}

/** The pod's own switch: the label if it is there, even empty; else the annotation. */
function switchOf({ labels, annotations }: Facts): { check: 'label' | 'annotation'; value: string } | undefined {
  if (labels[injectKey] !== undefined) return { check: 'label', value: labels[injectKey] };
  return annotations[injectKey] === undefined ? undefined : { check: 'annotation', value: annotations[injectKey] };
}

function isEmpty(selector: InjectorConfig['neverInject'][number]): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}
