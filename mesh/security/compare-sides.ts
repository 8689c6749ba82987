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

/**
 * What a proxy that sends this and a server that takes that come to.
 * @param told what automatic mutual TLS goes by: whether clients are told that the server takes it. Absent: they are told the truth.
 */
export function compareSides(sends: Sends, takes: Taken, told?: boolean): Agreement {
  switch (sends) {
    case 'auto':
      return ofAutomatic(takes, told ?? !['DISABLE', 'NONE', 'OWN', 'OUTSIDE'].includes(takes));
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

/** ztunnel, or a proxy that speaks HBONE as well; and one that does not. */
export function compareTunnel(takes: Taken, isTaken: boolean): Agreement {
  if (isTaken) return takes === 'OWN' ? depends(l10n.t('The tunnel ends at the waypoint or the gateway.')) : mutual();
  if (takes !== 'STRICT') return ofPlain(takes);
  return fails(
    l10n.t(
      'The other side gets plain text, and STRICT hangs up. Have both speak HBONE: the injector gives it to sidecars where the mesh has ISTIO_META_ENABLE_HBONE; restart them then.',
    ),
  );
}

function ofAutomatic(takes: Taken, told: boolean): Agreement {
  if (takes === 'OWN')
    return depends(
      told
        ? l10n.t('Clients send mutual TLS, as the pod’s label says; the Gateway says what it takes.')
        : l10n.t(
            'Gateways carry no label that asks for mutual TLS: clients send plain text unless a DestinationRule says otherwise. The Gateway says what it takes.',
          ),
    );
  if (!told)
    return takes === 'STRICT'
      ? fails(
          l10n.t(
            'Clients are told that the pod takes none, and send plain text; STRICT hangs up. The label security.istio.io/tlsMode=istio on the pod tells them.',
          ),
        )
      : { outcome: 'plain', says: l10n.t('Clients know that the pod takes none, and send plain text.') };
  if (takes === 'BYPASSED')
    return fails(
      l10n.t(
        'Clients see that the pod has a proxy and send mutual TLS; on this port the app gets it. Say DISABLE for the port in a PeerAuthentication, or let it be redirected.',
      ),
    );
  if (takes === 'NONE' || takes === 'OUTSIDE')
    return fails(
      l10n.t(
        'The pod’s label security.istio.io/tlsMode=istio makes clients send mutual TLS, and no proxy takes it. Take the label out of the pod template, or have the pod injected.',
      ),
    );
  return mutual();
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
    case 'OUTSIDE':
      return fails(
        l10n.t(
          'The host is outside of the mesh: nobody there takes its mutual TLS. Use SIMPLE or MUTUAL, or leave tls out.',
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
  if (takes === 'OUTSIDE') return depends(l10n.t('Works if the other side speaks TLS on that port.'));
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
