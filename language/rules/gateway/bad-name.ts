import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isDnsLabel } from '../values/hosts.ts';

/** VirtualServices name a Gateway as `namespace/name`, which leaves no room for dots. */
export const badName = defineRefusal('Gateway', {
  id: 'gateway/bad-name',
  why: 'VirtualServices name a Gateway as a DNS label: Istio refuses a name with dots or over 63 characters.',
  *check({ metadata }) {
    const name = metadata.at('name');
    if (!name.string || isDnsLabel(name.string)) return;
    yield finding(
      name,
      l10n.t(
        '"{0}" cannot be the name of a Gateway: letters, digits and "-" may be in it, at most 63. Istio refuses it.',
        name.string,
      ),
    );
  },
});
