import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';

/** `mirror` is the old form of `mirrors`. */
export const mirrorAndMirrors = defineRefusal('VirtualService', {
  id: 'virtual-service/mirror-and-mirrors',
  why: 'mirror copies requests to one destination, mirrors to several; Istio refuses both in one rule.',
  *check({ spec }) {
    for (const http of spec.at('http').items) {
      const mirror = http.entry('mirror');
      if (!mirror?.value.isSet || http.at('mirrors').items.length === 0) continue;
      // A rule that delegates is not asked for more: the rule of the delegate takes its place.
      if (http.at('delegate').isSet && spec.at('hosts').items.length > 0) continue;
      yield finding(
        mirror.key,
        l10n.t('Istio refuses "mirror" beside "mirrors" in one rule. Make it another entry of "mirrors".'),
      );
    }
  },
});
