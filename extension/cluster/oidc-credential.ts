/**
 * The `oidc` provider of a kubeconfig, as kubectl has it: the id token that stands there while it is valid, then another
 * one from the issuer for the refresh token. Written by hand, because the client library takes how long a token lives for
 * when it ends and so asks the issuer before every request, once for each of them.
 *
 * An issuer may give a new refresh token and take the old one back. Then the kubeconfig must learn it, or the next kubectl
 * would have to log in: see keep-oidc-tokens.ts.
 */
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import * as l10n from '@vscode/l10n';
import { ClusterFailure } from './cluster.ts';
import { keepOidcTokens, readOidcTokens } from './keep-oidc-tokens.ts';
import type { KubeconfigUser } from './kubeconfig.ts';
import { tellOfWait, type OnLogin } from './login-wait.ts';

export interface OidcSource {
  /** A valid id token; whoever asks meanwhile shares the request to the issuer. */
  get(): Promise<string>;
  /** The API server refused it. @returns whether the next `get` may bring another. */
  renew(used: string): boolean;
}

const issuerTimeoutMs = 15_000;
const renewBeforeMs = 10_000;
/** What was renewed just now and is refused again is no better a third time. */
const freshMs = 10_000;
const maxAnswer = 256 * 1024;

export function isOidc(user: KubeconfigUser): boolean {
  return user.authProvider?.name === 'oidc';
}

/** Contacts nobody before a token is needed that is not known. */
export function createOidcSource(user: KubeconfigUser, context: string, onLogin?: OnLogin): OidcSource {
  const config = stringsOf(user.authProvider?.config);
  let idToken = config['id-token'];
  let refreshToken = config['refresh-token'];
  let refused: string | undefined;
  let running: Promise<string> | undefined;
  let renewedAt = -Infinity;

  async function refresh(): Promise<string> {
    try {
      const inFile = user.file ? await readOidcTokens(user.file, user.name) : {};
      refreshToken = inFile.refreshToken ?? refreshToken;
      if (inFile.idToken && inFile.idToken !== refused && isValid(inFile.idToken)) return (idToken = inFile.idToken);
      const given = await askIssuer({ ...config, ...(refreshToken && { 'refresh-token': refreshToken }) });
      const isNew = given.refreshToken !== undefined && given.refreshToken !== refreshToken;
      idToken = given.idToken;
      refreshToken = given.refreshToken ?? refreshToken;
      if (isNew && user.file)
        await keepOidcTokens(user.file, user.name, { 'id-token': idToken, 'refresh-token': refreshToken! });
      return idToken;
    } catch (error) {
      throw describe(context, config['idp-issuer-url'], error);
    }
  }

  const cancelled = () =>
    new ClusterFailure(
      'cancelled',
      l10n.t('Could not log in to context “{0}”: it was cancelled.', context),
      l10n.t('Refresh to begin again.'),
    );

  return {
    async get() {
      if (idToken !== undefined && isValid(idToken)) return idToken;
      const about = { who: config['idp-issuer-url'] ?? '', kind: 'issuer', context } as const;
      running ??= tellOfWait(about, onLogin, cancelled, refresh).finally(() => (running = undefined));
      return await running;
    },
    renew(used) {
      if (idToken !== used) return true;
      if (!refreshToken || performance.now() - renewedAt < freshMs) return false;
      renewedAt = performance.now();
      refused = idToken;
      idToken = undefined;
      return true;
    },
  };
}

function isValid(token: string): boolean {
  return endOf(token) - renewBeforeMs > Date.now();
}

async function askIssuer(config: Record<string, string>): Promise<{ idToken: string; refreshToken?: string }> {
  const { 'idp-issuer-url': issuer, 'client-id': clientId, 'client-secret': secret = '' } = config;
  const refreshToken = config['refresh-token'];
  if (!issuer || !clientId || !refreshToken)
    throw new Error(
      l10n.t('the id token has expired, and without idp-issuer-url, client-id and refresh-token there is no other.'),
    );
  const caFile = config['idp-certificate-authority'];
  const caData = config['idp-certificate-authority-data'];
  const ca = caData ? Buffer.from(caData, 'base64') : caFile ? await readFile(caFile) : undefined;
  const found = await ask(new URL(`${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`), { ca });
  const endpoint = found.token_endpoint;
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint))
    throw new Error(l10n.t('the issuer names no token_endpoint.'));
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken };
  const basic = `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`).toString('base64')}`;
  const methods = found.token_endpoint_auth_methods_supported;
  // The default of the specification; a public client has no secret to show.
  const inHeader = secret !== '' && (!Array.isArray(methods) || methods.includes('client_secret_basic'));
  const body = inHeader ? form : { ...form, client_id: clientId, ...(secret && { client_secret: secret }) };
  const answer = await ask(new URL(endpoint), {
    ca,
    form: new URLSearchParams(body).toString(),
    ...(inHeader && { authorization: basic }),
  });
  if (typeof answer.id_token !== 'string') throw new Error(l10n.t('the issuer gave no id token.'));
  return {
    idToken: answer.id_token,
    ...(typeof answer.refresh_token === 'string' && { refreshToken: answer.refresh_token }),
  };
}

function ask(
  url: URL,
  { ca, form, authorization }: { ca: Buffer | undefined; form?: string; authorization?: string },
): Promise<Record<string, unknown>> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const headers = {
    accept: 'application/json',
    ...(authorization && { authorization }),
    ...(form !== undefined && {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(form),
    }),
  };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(issuerTimeoutMs);
    const method = form === undefined ? 'GET' : 'POST';
    const asked = send(url, { method, headers, signal, ...(ca && { ca }) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length > maxAnswer) response.destroy(new Error(l10n.t('its answer is too large.')));
      });
      response.on('error', reject);
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        const answer = parseObject(text);
        if (status === 200 && answer) return resolve(answer);
        const says = [answer?.error, answer?.error_description].filter((said) => typeof said === 'string').join(': ');
        reject(new Error(l10n.t('it answered {0}: {1}', status, says || l10n.t('it gave no reason.'))));
      });
    });
    asked.on('error', reject);
    asked.end(form);
  });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** When a token ends, in milliseconds since 1970; 0 when it does not tell or is none. Nobody's signature is checked. */
function endOf(token: string): number {
  const payload = parseObject(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  return typeof payload?.exp === 'number' ? payload.exp * 1000 : 0;
}

function describe(context: string, issuer: string | undefined, error: unknown): ClusterFailure {
  const why = error instanceof Error ? error.message || String((error as { code?: unknown }).code) : String(error);
  return new ClusterFailure(
    'unauthorized',
    l10n.t('Could not log in to context “{0}”: {1}', context, issuer ? l10n.t('issuer {0}: {1}', issuer, why) : why),
    l10n.t('Log in to the cluster again (as you do for kubectl), then try again.'),
    { cause: error },
  );
}

function stringsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, text]): [string, string][] =>
      typeof text === 'string' || typeof text === 'number' ? [[key, String(text)]] : [],
    ),
  );
}
