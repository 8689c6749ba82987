import * as l10n from '@vscode/l10n';
import type { Step, StepSource } from '../step.ts';
import { injectKey, onNamespace, onPod, type Facts } from './injection-facts.ts';
import { selectingWebhooks, type InjectorWebhook } from './injector-webhooks.ts';
import { askConditions } from './ask-conditions.ts';

const revKey = 'istio.io/rev';
const injectionKey = 'istio-injection';

/** The webhook that the API server calls for this pod; undefined, with a last step that says why, if it calls none. */
export function askApiServer(facts: Facts, steps: Step[]): InjectorWebhook | undefined {
  const selecting = selectingWebhooks(facts.webhooks, facts.namespace, facts.namespaceLabels, facts.labels);
  for (const step of describeLabels(facts)) steps.push(step);
  const webhook = askConditions(selecting, facts, steps);
  if (selecting.length > 0 && !webhook) return undefined;
  if (webhook) {
    steps.push({
      check: 'webhook',
      value: webhook.name,
      verdict: 'continue',
      says: l10n.t(
        'The API server sends the pod to the injector of revision "{0}": the selectors of webhook {1} match.',
        webhook.revision,
        webhook.name,
      ),
      ...(webhook.source && { source: webhook.source }),
    });
    return webhook;
  }
  const reason = whyNotSelected(facts);
  const described = steps.findLast((step) => step.check === reason.check && step.verdict === 'continue');
  // The deciding label was named already: say it once, where it decides.
  if (described) steps.splice(steps.indexOf(described), 1);
  steps.push(reason);
  return undefined;
}

/** The labels that the webhooks' selectors look at, in the order in which they weigh. */
function describeLabels({ namespace, namespaceKnown, namespaceLabels, labels }: Facts): Step[] {
  const steps: Step[] = [];
  const injection = namespaceLabels[injectionKey];
  const revision = namespaceLabels[revKey];
  if (injection !== undefined) {
    steps.push({
      check: 'namespace',
      value: `${injectionKey}=${injection}`,
      verdict: 'continue',
      says: l10n.t('Namespace {0} is labelled {1}.', namespace, `${injectionKey}=${injection}`),
      source: onNamespace({ namespace }, injectionKey),
    });
  } else if (revision !== undefined) {
    steps.push({
      check: 'revision',
      value: `${revKey}=${revision}`,
      verdict: 'continue',
      says: l10n.t('Namespace {0} asks for revision "{1}".', namespace, revision),
      source: onNamespace({ namespace }, revKey),
    });
  } else {
    const says = namespaceKnown
      ? l10n.t(
          "Namespace {0} has neither istio-injection nor istio.io/rev: only the pod's own labels count.",
          namespace,
        )
      : l10n.t(
          "Namespace {0} is not known here, and counts as one without labels: only the pod's own labels count.",
          namespace,
        );
    steps.push({ check: 'namespace', verdict: 'continue', says });
    const podRevision = labels[revKey];
    if (podRevision !== undefined) {
      steps.push({
        check: 'revision',
        value: `${revKey}=${podRevision}`,
        verdict: 'continue',
        says: l10n.t('The pod\'s label asks for revision "{0}".', podRevision),
        source: onPod('labels', revKey),
      });
    }
  }
  return steps;
}

/** Why no selector takes the pod, told from the labels as the charts' selectors weigh them. */
function whyNotSelected({ name, namespace, namespaceLabels, labels, annotations, webhooks }: Facts): Step {
  const skip = (check: string, value: string | undefined, says: string, source?: StepSource): Step => ({
    check,
    ...(value !== undefined && { value }),
    verdict: 'skip',
    says,
    ...(source && { source }),
  });
  const known = [
    ...new Set(webhooks.flatMap(({ revision, tag }) => (tag === undefined ? [revision] : [revision, tag]))),
  ];
  const injection = namespaceLabels[injectionKey];
  const revision = injection === undefined ? (namespaceLabels[revKey] ?? labels[revKey]) : undefined;
  const inject = labels[injectKey];

  if (webhooks.length === 0)
    return skip(
      'webhook',
      undefined,
      l10n.t('No injector webhook is installed in this cluster: nobody injects {0}.', name),
    );
  if (injection !== undefined && injection !== 'enabled') {
    const says =
      injection === 'disabled'
        ? l10n.t(
            'Namespace {0} is labelled istio-injection=disabled: no webhook takes its pods, whatever their own labels say.',
            namespace,
          )
        : l10n.t(
            'Namespace {0} is labelled istio-injection={1}. The webhooks\' selectors want exactly "enabled", so no pod of it is injected, whatever its own labels say.',
            namespace,
            injection,
          );
    return skip('namespace', `${injectionKey}=${injection}`, says, onNamespace({ namespace }, injectionKey));
  }
  if (inject === 'false')
    return skip(
      'label',
      `${injectKey}=false`,
      l10n.t('{0} carries the label sidecar.istio.io/inject=false: no webhook takes it.', name),
      onPod('labels', injectKey),
    );
  if (revision !== undefined && !known.includes(revision)) {
    return skip(
      'revision',
      `${revKey}=${revision}`,
      l10n.t(
        'No control plane answers to revision "{0}" (there is: {1}): the pod is silently not injected.',
        revision,
        known.join(', '),
      ),
      namespaceLabels[revKey] === undefined ? onPod('labels', revKey) : onNamespace({ namespace }, revKey),
    );
  }
  if (injection === undefined && revision === undefined) {
    if (inject !== undefined) {
      return skip(
        'label',
        `${injectKey}=${inject}`,
        l10n.t(
          'Namespace {0} has no injection label, so the pod\'s label sidecar.istio.io/inject would have to be exactly "true"; it is "{1}".',
          namespace,
          inject,
        ),
        onPod('labels', injectKey),
      );
    }
    const hint =
      annotations[injectKey] !== undefined
        ? ' ' + l10n.t('The annotation sidecar.istio.io/inject does not help: the API server looks at labels only.')
        : '';
    return skip(
      'namespace',
      undefined,
      l10n.t(
        'Namespace {0} has neither istio-injection=enabled nor istio.io/rev, and {1} has no label sidecar.istio.io/inject=true: no webhook takes it.',
        namespace,
        name,
      ) + hint,
    );
  }
  return skip(
    'webhook',
    undefined,
    l10n.t(
      'The selectors of none of the {0} injector webhooks match {1} in namespace {2}.',
      webhooks.length,
      name,
      namespace,
    ),
  );
}
