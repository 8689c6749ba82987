import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { localitiesOverlap, localityFault, repeats } from './localities.ts';
import { trafficPolicies } from './policies.ts';

/** Traffic of one place may be distributed once only, and every place gets one share. */
export const badLocalityName = defineRefusal('DestinationRule', {
  id: 'destination-rule/bad-locality-name',
  why: 'A locality is region/zone/subzone, cut off anywhere or with "*" at its end; Istio refuses empty parts, other wildcards, and localities of which one takes in another.',
  *check({ spec }) {
    for (const { policy } of trafficPolicies(spec)) {
      const shares = policy
        .at('loadBalancer', 'localityLbSetting', 'distribute')
        .items.filter(({ type }) => type === 'map');
      yield* checkNames(
        shares.map((share) => share.at('from')),
        repeats,
      );
      for (const share of shares) {
        // Istio walks through a map in a random order, so it refuses either order some of the time.
        const names = share.at('to').entries.map(({ key }) => key);
        yield* checkNames(names, localitiesOverlap);
      }
    }
  },
});

function* checkNames(names: Located[], clash: (earlier: string, later: string) => boolean): Iterable<Finding> {
  for (const [index, name] of names.entries()) {
    const text = String(name.value ?? '');
    const fault = localityFault(text);
    const other = fault ? undefined : names.slice(0, index).find((one) => clash(String(one.value ?? ''), text));
    if (fault === 'empty')
      yield finding(
        name,
        text === ''
          ? l10n.t('A locality is missing here: Istio refuses it. Write region/zone/subzone, or a part of it.')
          : l10n.t('"{0}" has an empty part: Istio refuses it. Write region/zone/subzone, or a part of it.', text),
      );
    else if (fault === 'wildcard')
      yield finding(
        name,
        l10n.t('"{0}" has a wildcard before its end: Istio takes one "*" as the last character.', text),
      );
    else if (other)
      yield finding(
        name,
        l10n.t('Localities "{0}" and "{1}" overlap: Istio refuses both together.', String(other.value), text),
        { related: [{ at: other, message: l10n.t('The other locality') }] },
      );
  }
}
