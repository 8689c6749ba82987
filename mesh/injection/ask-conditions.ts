import * as l10n from '@vscode/l10n';
import type { Step } from '../step.ts';
import type { Facts } from './injection-facts.ts';
import type { InjectorWebhook } from './injector-webhooks.ts';
import { evaluateCondition, notKnown, type ConditionResult } from './match-conditions.ts';

/** The first of them whose conditions hold as well; undefined, with a last step that says why, if none is left. */
export function askConditions(selecting: InjectorWebhook[], facts: Facts, steps: Step[]): InjectorWebhook | undefined {
  for (const webhook of selecting) {
    const deciding = decidingCondition(webhook, facts);
    if (!deciding) return webhook;
    const { result } = deciding;
    const isLast = webhook === selecting.at(-1);
    const isRefused = result === 'failed' && webhook.failurePolicy !== 'Ignore';
    const isPassed = result === 'true' || result === 'unknown';
    steps.push({
      check: 'match-conditions',
      value: deciding.name,
      verdict: isPassed ? 'continue' : isRefused ? 'reject' : isLast ? 'skip' : 'continue',
      says: sayCondition(webhook, deciding),
      ...(webhook.source && {
        source: { ...webhook.source, path: [...webhook.source.path.slice(0, 2), ...deciding.path] },
      }),
    });
    if (isPassed) return webhook;
    if (isRefused) return undefined;
  }
  return undefined;
}

interface Condition {
  name: string;
  expression: string;
  /** Where it stands in its webhook. */
  path: (string | number)[];
  result: ConditionResult;
}

/** One that is false keeps the webhook from being called, whatever the others say; then one that breaks off counts. */
function decidingCondition({ matchConditions = [] }: InjectorWebhook, facts: Facts): Condition | undefined {
  const asked = matchConditions.map((condition, at) => ({
    ...condition,
    path: ['matchConditions', at, 'expression'],
    result: evaluateCondition(condition.expression, requestOf(facts)),
  }));
  const order: ConditionResult[] = ['false', 'failed', 'unknown', 'true'];
  return order.flatMap((result) => asked.find((condition) => condition.result === result) ?? [])[0];
}

function sayCondition({ name: webhook }: InjectorWebhook, { name, expression, result }: Condition): string {
  switch (result) {
    case 'true':
      return l10n.t('The conditions of webhook {0} hold: {1}.', webhook, name);
    case 'unknown':
      return l10n.t(
        'Webhook {0} also asks its condition {1}, which cannot be answered here and counts as true: {2}',
        webhook,
        name,
        expression,
      );
    case 'false':
      return l10n.t('The condition {1} of webhook {0} is false, so it is not called: {2}', webhook, name, expression);
    case 'failed':
      return l10n.t(
        'The condition {1} of webhook {0} asks for something that the pod does not have, which is an error: {2}',
        webhook,
        name,
        expression,
      );
  }
}

/** What a condition may ask about. The rest of a real request is there too, and nobody knows it here. */
function requestOf({ name, namespace, labels, annotations, spec, hasLabels, hasAnnotations }: Facts) {
  const metadata = {
    name,
    namespace,
    generateName: notKnown,
    ownerReferences: notKnown,
    ...(hasLabels && { labels }),
    ...(hasAnnotations && { annotations }),
  };
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: { ...(spec.hostNetwork && { hostNetwork: true }), [notKnown]: true },
    [notKnown]: true,
  };
  const request = { operation: 'CREATE', namespace, [notKnown]: true };
  return { object, oldObject: null, request, authorizer: notKnown };
}
