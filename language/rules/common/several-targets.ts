import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** A policy applies to one thing: to the workloads of a selector, or to what it refers to. */
export const severalTargets = defineRefusal(
  ['AuthorizationPolicy', 'RequestAuthentication', 'Telemetry', 'TrafficExtension', 'WasmPlugin'],
  {
    id: 'common/several-targets',
    why: 'A policy applies to workloads (selector) or to what it refers to (targetRef, targetRefs); Istio refuses more than one of the three.',
    *check({ kind, spec }) {
      const fields = kind === 'TrafficExtension' ? ['selector', 'targetRefs'] : ['selector', 'targetRef', 'targetRefs'];
      // An empty list counts too: the API server looks at whether the field is there.
      const given = fields.flatMap((name) => {
        const entry = spec.entry(name);
        return entry?.value.type === 'map' || entry?.value.type === 'list' ? [entry] : [];
      });
      for (const { key } of given.slice(1)) {
        yield finding(
          key,
          l10n.t(
            '"{0}" excludes "{1}": Istio refuses a {2} with more than one of {3}. Keep one.',
            String(key.value),
            String(given[0]!.key.value),
            kind,
            fields.join(', '),
          ),
        );
      }
    },
  },
);
