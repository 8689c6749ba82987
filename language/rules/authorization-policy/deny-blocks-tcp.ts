import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { ruleParts } from './sources.ts';

/**
 * On a TCP port nobody can tell a path or a token. In a DENY rule Envoy then leaves those fields out, so that what is left
 * fits everything: the rule fails closed.
 */
export const denyBlocksTcp = defineWarning('AuthorizationPolicy', {
  id: 'authorization-policy/deny-blocks-tcp',
  why: 'A DENY rule of HTTP fields alone (methods, paths, hosts, request principals) denies everything on TCP ports, where those fields cannot be read. Istio takes it and warns.',
  *check({ spec, incomplete }) {
    if (spec.at('action').string !== 'DENY' || incomplete) return;
    for (const { rule, sources, operations } of ruleParts(spec)) {
      const { from, to } = { from: rule.at('from').items, to: rule.at('to').items };
      const isTcpTo = operations.some((operation) => says(operation, ['ports', 'notPorts']));
      const isTcpFrom = sources.some((source) =>
        source.entries.some(({ key, value }) => !isRequestPrincipal(String(key.value)) && value.items.length > 0),
      );
      if (to.length > 0 ? isTcpTo : from.length === 0 || isTcpFrom) continue;
      yield finding(
        (rule.entry('to')?.value.isSet ? rule.entry('to') : rule.entry('from'))!.key,
        l10n.t(
          'On TCP ports this rule denies everything, because only HTTP has the fields it names. Add "ports" to "to.operation" if the workload has TCP ports, too.',
        ),
      );
    }
  },
});

function isRequestPrincipal(field: string): boolean {
  return field === 'requestPrincipals' || field === 'notRequestPrincipals';
}

function says(part: Located, fields: string[]): boolean {
  return fields.some((field) => part.at(field).items.length > 0);
}
