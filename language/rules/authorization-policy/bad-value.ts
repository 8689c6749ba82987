import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { isIpOrCidr } from '../values/hosts.ts';
import { isPortText } from '../values/ports.ts';
import { ruleParts } from './sources.ts';

/** Lists whose values have a form: addresses and ports. Empty text is nothing to compare with. */
export const badValue = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/bad-value',
  why: 'ipBlocks holds addresses and CIDRs, ports holds port numbers in quotes, and no list holds empty text; Istio refuses the rest.',
  *check({ spec }) {
    for (const { sources, operations, conditions } of ruleParts(spec)) {
      const lists = [...sources, ...operations, ...conditions]
        .flatMap(({ entries }) => entries)
        .filter(({ value }) => value.type === 'list');
      for (const { key, value } of lists) {
        for (const item of value.items) {
          const reason = item.string === undefined ? undefined : whyBad(String(key.value), item.string);
          if (reason) yield finding(item, reason);
        }
      }
    }
  },
});

function whyBad(field: string, text: string): string | undefined {
  if (text === '') return l10n.t('An empty text in "{0}" matches nothing: Istio refuses it. Remove it.', field);
  if (/^(not)?(remote)?IpBlocks$/i.test(field) && !isIpOrCidr(text))
    return l10n.t('"{0}" is neither an IP address nor a CIDR such as 10.0.0.0/8: Istio refuses it.', text);
  if (/^(ports|notPorts)$/.test(field) && !isPortText(text))
    return l10n.t('"{0}" is no port: Istio takes numbers up to 65535.', text);
  return undefined;
}
