import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { KnownLocalities, localityFault } from './localities.ts';
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
      const origins = shares.map((share) => share.at('from'));
      yield* checkNames(origins, { inAnyOrder: false });
      for (const share of shares) {
        // Istio walks through a map in a random order, so it refuses either order some of the time.
        const names = share.at('to').entries.map(({ key }) => key);
        yield* checkNames(names, { inAnyOrder: true });
      }
    }
  },
});

function* checkNames(names: Located[], order: { inAnyOrder: boolean }): Iterable<Finding> {
  const known = new KnownLocalities<Located>();
  for (const name of names) {
    const text = String(name.value ?? '');
    const fault = localityFault(text);
    const other = fault ? undefined : known.findOverlap(text, order);
    if (!fault) known.add(text, name);
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
