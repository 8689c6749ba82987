import * as l10n from '@vscode/l10n';
import { insertEntry, replaceValue } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { Finding, QuickFix } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** What waypoints and gateways can take policies for, each with its group; Istio refuses references to anything else. */
const groups: Record<string, string> = {
  Service: '',
  ServiceEntry: 'networking.istio.io',
  Gateway: 'gateway.networking.k8s.io',
  GatewayClass: 'gateway.networking.k8s.io',
};
const targets = Object.keys(groups);

export const badTargetRef = defineRefusal(
  ['AuthorizationPolicy', 'EnvoyFilter', 'RequestAuthentication', 'Telemetry', 'TrafficExtension', 'WasmPlugin'],
  {
    id: 'common/bad-target-ref',
    why: 'A policy can refer to a Service, a ServiceEntry, a Gateway of the Gateway API or a GatewayClass, and never across namespaces.',
    *check({ spec }) {
      for (const ref of [spec.at('targetRef'), ...spec.at('targetRefs').items]) {
        const namespace = ref.at('namespace');
        if (namespace.string) {
          yield finding(
            namespace,
            l10n.t(
              'Istio refuses a "namespace" here: a policy applies in its own namespace only. Remove "{0}".',
              namespace.string,
            ),
          );
        }
        yield* checkKind(ref);
      }
    },
  },
);

function* checkKind(ref: Located): Iterable<Finding> {
  const kind = ref.at('kind');
  const group = ref.at('group');
  if (!kind.string) return;
  if (!Object.hasOwn(groups, kind.string)) {
    yield finding(kind, l10n.t('A policy cannot refer to a {0}: Istio takes {1}.', kind.string, targets.join(', ')));
    return;
  }
  const wanted = groups[kind.string]!;
  // `core` is Istio's other word for the group without a name.
  const given = group.string === 'core' ? '' : (group.string ?? '');
  if (given === wanted || (group.isSet && group.string === undefined)) return;
  yield finding(group.isSet ? group : kind, whyNotGroup(kind.string, given, wanted), {
    fixes: [setGroup(ref, group, wanted)],
  });
}

function whyNotGroup(kind: string, given: string, wanted: string): string {
  if (kind === 'Gateway' && given === 'networking.istio.io')
    return l10n.t(
      'A policy can refer to a Gateway of the Gateway API (group gateway.networking.k8s.io) only. Select the workloads of an Istio Gateway with "selector".',
    );
  if (wanted === '')
    return l10n.t('A {0} has no group: Istio refuses "{1}" beside it. Write group: "", or leave it out.', kind, given);
  return given === ''
    ? l10n.t('A {0} is of group {1}: Istio refuses the reference without it.', kind, wanted)
    : l10n.t('A {0} is of group {1}, not {2}: Istio refuses the reference.', kind, wanted, given);
}

function setGroup(ref: Located, group: Located, wanted: string): QuickFix {
  const text = wanted === '' ? "''" : wanted;
  return {
    title: l10n.t('Set group to {0}', text),
    preferred: true,
    edits: () => (group.exists ? replaceValue(group, text) : insertEntry(ref, [], 'group', text)),
  };
}
