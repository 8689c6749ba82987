/** Turns whatever went wrong between us and an API server into a {@link ClusterFailure} in the user's words. No I/O. */
import * as l10n from '@vscode/l10n';
import { ClusterFailure, type FailureReason } from './cluster.ts';

/** What we were about to do, with the names that the user knows. */
export interface ClusterCall {
  verb:
    'list' | 'get' | 'watch' | 'apply' | 'patch' | 'delete' | 'exec' | 'log' | 'port-forward' | 'discover' | 'review';
  /** Plural, as in RBAC: `pods`, `daemonsets.apps`. */
  resource: string;
  name?: string;
  namespace?: string;
  /** The context's name. */
  context: string;
  /** URL of the API server. */
  server: string;
  /** URL of the proxy on the way to it, without a password. */
  proxy?: string;
}

/** The `Status` that an API server answers instead of the object. */
export interface ApiStatus {
  kind?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    kind?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

/** @returns the `Status` in a body, or undefined when it is something else (a proxy's HTML page, cut-off JSON). */
export function parseStatus(body: string): ApiStatus | undefined {
  try {
    const value = JSON.parse(body) as ApiStatus | null;
    return typeof value === 'object' && value?.kind === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The failure behind an HTTP answer that is not a success. */
export function failureFromStatus(
  call: ClusterCall,
  code: number,
  body: string,
  { cause, retryAfter, location }: { cause?: unknown; retryAfter?: number; location?: string } = {},
): ClusterFailure {
  const status = parseStatus(body);
  const said = status?.message ?? firstLine(body);
  // Not every proxy passes the header on.
  const waitS = retryAfter ?? status?.details?.retryAfterSeconds;
  const sentOn = code >= 300 && code < 400 ? location : undefined;
  const { reason, why, next } = sentOn ? explainRedirect(code, sentOn) : explainStatus(call, code, status, said, waitS);
  const retry = waitS !== undefined && waitS > 0 ? { retryAfterMs: waitS * 1000 } : {};
  return failure(call, reason, why, next, { status: code, said, cause, ...retry });
}

/** The failure behind an error of the connection: refused, unknown host, certificate, cut off. */
export function failureFromNetwork(call: ClusterCall, error: unknown): ClusterFailure {
  if (error instanceof ClusterFailure) return error;
  const { why, next } = explainNetwork(call, errorCode(error), error);
  return failure(call, 'unreachable', why, next, { cause: error });
}

export function failureFromTimeout(call: ClusterCall, timeoutMs: number): ClusterFailure {
  return failure(
    call,
    'timeout',
    l10n.t('the API server {0} did not answer within {1} s.', call.server, seconds(timeoutMs)),
    l10n.t(
      'Check that the cluster runs and that VPN or proxy let you reach it, then try again; or choose another cluster.',
    ),
  );
}

/** A watch over which nothing came for longer than a live server is silent. */
export function failureFromSilence(call: ClusterCall, silentMs: number): ClusterFailure {
  return failure(
    call,
    'timeout',
    l10n.t('nothing came from the API server {0} for {1} s.', call.server, seconds(silentMs)),
    l10n.t('Check that the cluster runs and that VPN or proxy let you reach it.'),
  );
}

export function failureFromCancel(call: ClusterCall): ClusterFailure {
  return failure(call, 'cancelled', l10n.t('it was cancelled.'), '');
}

/** An answer that came, but not as Kubernetes speaks. */
export function failureFromNonsense(call: ClusterCall, what: string, cause?: unknown): ClusterFailure {
  return failure(
    call,
    'unexpected',
    what,
    l10n.t(
      'Check that {0} is the URL of a Kubernetes API server and that no login page stands before it.',
      call.server,
    ),
    { cause },
  );
}

/** For failures whose words only the caller knows. `why` continues the sentence after a colon. */
export function failure(
  call: ClusterCall,
  reason: FailureReason,
  why: string,
  next: string,
  options?: { status?: number; said?: string; cause?: unknown; retryAfterMs?: number },
): ClusterFailure {
  return new ClusterFailure(reason, l10n.t('{0}: {1}', whatHappened(call), why), next, options);
}

function whatHappened({ verb, resource, name = '', namespace, context }: ClusterCall): string {
  const place = namespace
    ? l10n.t('in namespace “{0}” of context “{1}”', namespace, context)
    : l10n.t('in context “{0}”', context);
  switch (verb) {
    case 'list':
      return l10n.t('Could not list {0} {1}', resource, place);
    case 'watch':
      return l10n.t('Could not watch {0} {1}', resource, place);
    case 'get':
      return l10n.t('Could not read {0} “{1}” {2}', resource, name, place);
    case 'apply':
      return l10n.t('Could not apply {0} “{1}” {2}', resource, name, place);
    case 'patch':
      return l10n.t('Could not change {0} “{1}” {2}', resource, name, place);
    case 'log':
      return l10n.t('Could not read the log of pod “{0}” {1}', name, place);
    case 'delete':
      return l10n.t('Could not delete {0} “{1}” {2}', resource, name, place);
    case 'exec':
      return l10n.t('Could not run a command in pod “{0}” {1}', name, place);
    case 'port-forward':
      return l10n.t('Could not reach a port of pod “{0}” {1}', name, place);
    case 'discover':
      return l10n.t('Could not ask for the kinds of {0} {1}', resource, place);
    case 'review':
      return l10n.t('Could not ask what you may do {0}', place);
  }
}

/** Not followed: whoever answers there would be shown the credentials. */
function explainRedirect(code: number, location: string): Explanation {
  return {
    reason: 'unexpected',
    why: l10n.t('it sends us on to {0} ({1}).', sentence(location).replace(/\.$/, ''), code),
    next: l10n.t(
      'If that is the API server, make it the server in the kubeconfig; if it is a login page, log in first.',
    ),
  };
}

interface Explanation {
  reason: FailureReason;
  why: string;
  next: string;
}

function explainStatus(
  call: ClusterCall,
  code: number,
  status: ApiStatus | undefined,
  said: string,
  waitS = 10,
): Explanation {
  const causes = (status?.details?.causes ?? []).map(({ field, message }) =>
    [field, message].filter(Boolean).join(': '),
  );
  if (causesOf(status).includes('NamespaceTerminating')) {
    return {
      reason: 'conflict',
      why: l10n.t('namespace “{0}” is still being removed.', call.namespace ?? call.name ?? ''),
      next: l10n.t('Wait until it is gone, then try again.'),
    };
  }
  // A watch from a version that the server does not have yet, and after a restored backup never will.
  if (causesOf(status).includes('ResourceVersionTooLarge') || /Too large resource version/.test(said)) code = 410;
  switch (code) {
    case 401:
      return {
        reason: 'unauthorized',
        why: l10n.t('the API server does not accept the credentials (401).'),
        next: l10n.t('Log in to the cluster again (as you do for kubectl), then try again.'),
      };
    case 403:
      return explainForbidden(call, said);
    case 404:
      return {
        reason: 'not-found',
        why: status?.details?.name
          ? l10n.t('“{0}” does not exist.', status.details.name)
          : l10n.t('the API server does not know {0} (404: {1}).', call.resource, said),
        next: status?.details?.name
          ? l10n.t('Refresh: it may have been removed or renamed meanwhile.')
          : l10n.t('Check the server’s URL {0} and the version of the cluster.', call.server),
      };
    case 409:
      return {
        reason: 'conflict',
        why: l10n.t('it was changed by someone else (409): {0}', sentence(said)),
        next: l10n.t('Refresh and look at who owns it before trying again.'),
      };
    case 410:
      return {
        reason: 'gone',
        why: l10n.t('the state we had is too old (410).'),
        next: l10n.t('Refresh.'),
      };
    case 400:
    case 422:
      return {
        reason: 'invalid',
        why: l10n.t(
          'the API server refuses it ({0}): {1}',
          code,
          sentence(causes.length > 0 && !said ? causes.join('; ') : said),
        ),
        next: l10n.t('Correct what it names, then try again.'),
      };
    case 429:
      return {
        reason: 'too-many-requests',
        why: l10n.t('the API server is overloaded and asks to wait (429).'),
        next: l10n.t('Wait {0} s, then try again.', waitS),
      };
  }
  if (code >= 500) {
    return {
      reason: 'server-error',
      why: l10n.t('the API server failed ({0}): {1}', code, sentence(said)),
      next: l10n.t('Try again; if it stays, look at the API server’s log.'),
    };
  }
  return {
    reason: 'unexpected',
    why: l10n.t('the answer was unexpected ({0}): {1}', code, sentence(said)),
    next: l10n.t(
      'Check that {0} is the URL of a Kubernetes API server and that no login page stands before it.',
      call.server,
    ),
  };
}

/**
 * 403 has two authors: RBAC (a right is missing) and admission (the object is refused: Pod Security, a policy webhook).
 * Only the first has something to do with who asks.
 */
function explainForbidden(call: ClusterCall, said: string): Explanation {
  const right = /User "(?<user>[^"]*)" cannot (?<verb>\S+) resource "(?<resource>[^"]*)"/.exec(said)?.groups;
  const admission = !right && /admission|violates|denied the request|exceeded quota|is forbidden: (?!User )/.test(said);
  if (admission) {
    return {
      reason: 'forbidden',
      why: l10n.t('the cluster’s admission control refuses it (403): {0}', sentence(said)),
      next: l10n.t('Ask who administers the cluster to allow it, or change what is named there.'),
    };
  }
  if (said.includes('"system:anonymous"')) {
    return {
      reason: 'unauthorized',
      why: l10n.t(
        'the kubeconfig holds no credentials that the API server takes, so it treats you as anonymous (403).',
      ),
      next: l10n.t('Log in to the cluster again (as you do for kubectl), then try again.'),
    };
  }
  const verb = right?.verb ?? rbacVerb[call.verb];
  const resource = right?.resource ?? (call.verb === 'exec' ? 'pods/exec' : call.resource);
  return {
    reason: 'forbidden',
    why: right?.user
      ? l10n.t('user “{0}” lacks the right to {1} {2} (403).', right.user, verb, resource)
      : l10n.t('you lack the right to {0} {1} (403).', verb, resource),
    next:
      call.verb === 'exec'
        ? // A WebSocket opens with GET, so servers ask for “get”, since 1.35 for “create” too; kubectl gets by with “create”
          // alone on older ones, because it falls back to SPDY, which opens with POST.
          l10n.t(
            'Ask for a role with the verbs “get” and “create” on “pods/exec”{0}: a command through a WebSocket takes both, even where kubectl exec works with one.',
            scope(call),
          )
        : l10n.t('Ask for a role with verb “{0}” on “{1}”{2}, or choose another cluster.', verb, resource, scope(call)),
  };
}

const rbacVerb: Record<ClusterCall['verb'], string> = {
  list: 'list',
  get: 'get',
  watch: 'watch',
  apply: 'patch',
  patch: 'patch',
  log: 'get',
  delete: 'delete',
  exec: 'create',
  'port-forward': 'create',
  discover: 'get',
  review: 'create',
};

function scope({ namespace }: ClusterCall): string {
  return namespace ? l10n.t(' in namespace “{0}”', namespace) : l10n.t(' in the whole cluster');
}

function causesOf(status: ApiStatus | undefined): string[] {
  return (status?.details?.causes ?? []).map(({ reason }) => reason ?? '');
}

function explainNetwork(call: ClusterCall, code: string, error: unknown): Omit<Explanation, 'reason'> {
  const host = hostOf(call.server);
  if (call.proxy !== undefined && !/CERT|SIGNED|EPROTO|ERR_SSL|ERR_TLS/.test(code)) {
    return {
      why: l10n.t(
        'the way to {0} through the proxy {1} failed: {2}',
        call.server,
        call.proxy,
        sentence(messageOf(error)),
      ),
      next: l10n.t('Check proxy-url in the kubeconfig, HTTPS_PROXY and NO_PROXY, and that the proxy runs.'),
    };
  }
  switch (code) {
    case 'ECONNREFUSED':
      return {
        why: l10n.t('the API server {0} refused the connection.', call.server),
        next: l10n.t('Start the cluster or choose another one.'),
      };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        why: l10n.t('the host name “{0}” is unknown.', host),
        next: l10n.t('Check the server’s URL in the kubeconfig, and VPN or DNS, or choose another cluster.'),
      };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return {
        why: l10n.t('there is no way to {0} from this machine ({1}).', call.server, code),
        next: l10n.t('Check VPN, proxy and firewall, or choose another cluster.'),
      };
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return {
        why: l10n.t('the certificate of {0} is not valid today ({1}).', call.server, code),
        next: l10n.t('Renew the cluster’s certificate and check this machine’s clock.'),
      };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        why: l10n.t('the certificate of {0} is for other names: {1}', call.server, sentence(messageOf(error))),
        next: l10n.t('Use a server URL that the certificate names, or set tls-server-name in the kubeconfig.'),
      };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_SIGNATURE_FAILURE':
    case 'CERT_UNTRUSTED':
      return {
        why: l10n.t('the certificate of {0} is not signed by a known authority ({1}).', call.server, code),
        next: l10n.t(
          'Set certificate-authority in the kubeconfig to the cluster’s CA; it may have changed when the cluster was made again.',
        ),
      };
  }
  if (/^(EPROTO|ERR_SSL|ERR_TLS|HPE_)/.test(code)) {
    return {
      why: l10n.t('{0} does not speak the protocol of its URL: {1}', call.server, sentence(messageOf(error))),
      next: l10n.t('Check http or https and the port in the kubeconfig’s server URL, and the client certificate.'),
    };
  }
  return {
    why: l10n.t('the connection to {0} broke: {1}', call.server, sentence(messageOf(error))),
    next: l10n.t('Try again; if it stays, check the network or choose another cluster.'),
  };
}

/** `ECONNREFUSED` and the like, also from within the AggregateError of a host with several addresses. */
function errorCode(error: unknown): string {
  const { code, errors, cause } = (error ?? {}) as { code?: unknown; errors?: unknown[]; cause?: unknown };
  if (typeof code === 'string') return code;
  if (Array.isArray(errors) && errors.length > 0) return errorCode(errors[0]);
  return cause ? errorCode(cause) : '';
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return firstLine(text) || errorCode(error) || l10n.t('it gave no reason');
}

function hostOf(server: string): string {
  try {
    return new URL(server).hostname;
  } catch {
    return server;
  }
}

/** Foreign text as the end of our sentence: one line, not too long, with a full stop. */
function sentence(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const short = line.length > 600 ? `${line.slice(0, 600)}…` : line;
  return short === '' ? l10n.t('it gave no reason.') : /[.!?…]$/.test(short) ? short : `${short}.`;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]!.slice(0, 300);
}

function seconds(ms: number): string {
  return String(Math.round(ms / 100) / 10);
}
