import * as l10n from '@vscode/l10n';
import { findNearMiss } from '../../../mesh/near-miss.ts';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { isKnownProtocol, knownProtocols } from './ports.ts';

/** What is wrong with the protocol of a port; empty is left to the caller. */
export function* findProtocolFault(protocol: Located): Iterable<Finding> {
  if (!protocol.string || isKnownProtocol(protocol.string)) return;
  const meant = findNearMiss(protocol.string, knownProtocols);
  const hint = meant ? ` ${l10n.t('Did you mean "{0}"?', meant)}` : '';
  yield finding(
    protocol,
    l10n.t('Istio knows no protocol "{0}" and refuses it: it takes {1}.', protocol.string, knownProtocols.join(', ')) +
      hint,
    {
      fixes: meant
        ? [{ title: l10n.t('Change to {0}', meant), preferred: true, edits: () => rename(protocol, meant) }]
        : [],
    },
  );
}
