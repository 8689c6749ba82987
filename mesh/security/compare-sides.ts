import * as l10n from '@vscode/l10n';
import type { Sends } from './client-tls.ts';
import type { Taken } from './decide-server-mtls.ts';

/** What comes of it. `depends`: on what only the app or its certificates tell. */
export type Outcome = 'mutual' | 'plain' | 'fails' | 'depends';

export interface Agreement {
  outcome: Outcome;
  /** What happens, and what to do where it fails. */
  says: string;
}

/** What a proxy that sends this and a server that takes that come to. */
export function compareSides(sends: Sends, takes: Taken): Agreement {
  switch (sends) {
    case 'auto':
      return ofAutomatic(takes);
    case 'mesh':
      return ofMesh(takes);
    case 'plain':
      return ofPlain(takes);
    case 'tls':
    case 'own':
      return ofForeign(sends, takes);
  }
}

/** A client without a proxy: it sends what the app sends. */
export function compareOutsider(takes: Taken): Agreement {
  if (takes === 'OWN') return depends(l10n.t('The Gateway says what it takes.'));
  return takes === 'STRICT'
    ? fails(l10n.t('Without a proxy of the mesh there is no certificate to show: STRICT hangs up.'))
    : { outcome: 'plain', says: l10n.t('What the app sends arrives as it is.') };
}

function ofAutomatic(takes: Taken): Agreement {
  if (takes === 'STRICT' || takes === 'PERMISSIVE') return mutual();
  if (takes === 'OWN') return depends(l10n.t('A gateway’s ports: the Gateway says what it takes.'));
  if (takes === 'BYPASSED')
    return fails(
      l10n.t(
        'Clients see that the pod has a proxy and send mutual TLS; on this port the app gets it. Say DISABLE for the port in a PeerAuthentication, or let it be redirected.',
      ),
    );
  return { outcome: 'plain', says: l10n.t('Clients know that the pod takes none, and send plain text.') };
}

function ofMesh(takes: Taken): Agreement {
  switch (takes) {
    case 'STRICT':
    case 'PERMISSIVE':
      return mutual();
    case 'OWN':
      return depends(l10n.t('A gateway’s ports: the Gateway says what it takes.'));
    case 'DISABLE':
      return fails(
        l10n.t(
          'The server takes plain text only. Leave tls out of the DestinationRule: clients find out by themselves.',
        ),
      );
    case 'NONE':
    case 'BYPASSED':
      return fails(
        l10n.t(
          'No proxy takes the mutual TLS on the other side; the app gets it. Leave tls out of the DestinationRule.',
        ),
      );
  }
}

function ofPlain(takes: Taken): Agreement {
  if (takes === 'STRICT')
    return fails(
      l10n.t('The server takes mutual TLS only and hangs up on plain text: 503. Use ISTIO_MUTUAL, or leave tls out.'),
    );
  if (takes === 'OWN') return depends(l10n.t('A gateway’s ports: the Gateway says what it takes.'));
  return {
    outcome: 'plain',
    says:
      takes === 'PERMISSIVE' ? l10n.t('Plain text, although both sides could do mutual TLS.') : l10n.t('Plain text.'),
  };
}

/** TLS that is not the mesh's: a PERMISSIVE proxy passes it on to the app. */
function ofForeign(sends: 'tls' | 'own', takes: Taken): Agreement {
  if (takes === 'STRICT')
    return sends === 'tls'
      ? fails(l10n.t('TLS without a certificate of the mesh: STRICT hangs up. Use ISTIO_MUTUAL, or leave tls out.'))
      : depends(l10n.t('Works only if the certificates that the rule names are signed by the mesh’s root.'));
  return depends(l10n.t('The TLS goes through to the app: works only if the app itself speaks TLS.'));
}

function mutual(): Agreement {
  return { outcome: 'mutual', says: l10n.t('Mutual TLS.') };
}

function fails(says: string): Agreement {
  return { outcome: 'fails', says };
}

function depends(says: string): Agreement {
  return { outcome: 'depends', says };
}
