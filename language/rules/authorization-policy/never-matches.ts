import * as l10n from '@vscode/l10n';
import type { Located } from '../../located.ts';
import { defineRule, finding } from '../../rule.ts';
import { ruleParts } from './sources.ts';

/** Nobody refuses these: the policy is there, and lets through or keeps out something else than it reads. */
export const neverMatches = defineRule({
  id: 'authorization-policy/never-matches',
  code: 'ML0215',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/reference/config/security/authorization-policy/',
  why: 'Values of a policy are compared exactly, or by what they begin or end with when a * stands there; they are no regular expressions. A path without a slash in front or with a query, a method in small letters, a host with a scheme, a principal with spiffe:// or without trust domain: no request ever has them.',
  reads: ['AuthorizationPolicy'],
  scope: 'resource',
  *check({ AuthorizationPolicy }) {
    for (const { spec } of AuthorizationPolicy) {
      for (const { sources, operations } of ruleParts(spec)) {
        for (const [field, value] of [...sources, ...operations].flatMap(valuesOf)) {
          const reason = value.string ? findReason(field, value.string) : undefined;
          if (reason) yield finding(value, reason);
        }
      }
    }
  },
});

/** `notPaths` is compared as `paths` is. */
function valuesOf(part: Located): [field: string, value: Located][] {
  return part.entries.flatMap(({ key, value }) => {
    const field = String(key.value).replace(/^not([A-Z])/, (_, letter: string) => letter.toLowerCase());
    return value.items.map((item): [string, Located] => [field, item]);
  });
}

function findReason(field: string, text: string): string | undefined {
  if (field === 'paths') return whyNoPath(text);
  if (field === 'methods') return whyNoMethod(text);
  if (field === 'hosts') return whyNoHost(text);
  return field === 'principals' ? whyNoPrincipal(text) : undefined;
}

function whyNoPath(path: string): string | undefined {
  if (/^\^|\/\.\*|\([^)]*\|[^)]*\)|\[[^\]]*\][*+]/.test(path))
    return l10n.t(
      '"{0}" is compared as it stands, not as a regular expression: no path is like that. A * at the start or the end stands for anything, and the templates {*} and {**} for parts of a path.',
      path,
    );
  // One * at one end is the pattern; with templates the webhook has its say.
  if (!path.includes('{') && path.replace(/^\*|\*$/, '').includes('*'))
    return l10n.t(
      'Only one * at the start or the end of a path stands for anything: "{0}" is compared as it stands. For one part of a path write {*}, for the rest of it {**}.',
      path,
    );
  if (/^[^*/{]/.test(path)) return l10n.t('Every path begins with "/": "{0}" is never one. Write "/{0}".', path);
  return path.includes('?')
    ? l10n.t('"{0}" has a query, which is left out when paths are compared. Remove what begins with "?".', path)
    : undefined;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

function whyNoMethod(method: string): string | undefined {
  const meant = method.toUpperCase();
  return method !== meant && methods.includes(meant)
    ? l10n.t(
        'Methods are compared letter by letter, and clients send {0}: "{1}" is never one. Write {0}.',
        meant,
        method,
      )
    : undefined;
}

function whyNoHost(host: string): string | undefined {
  return host.includes('://') || /^[^*/]+\//.test(host)
    ? l10n.t(
        '"{0}" is no host: only the name (and a port, where clients send one) is compared. Write the host alone.',
        host,
      )
    : undefined;
}

function whyNoPrincipal(principal: string): string | undefined {
  if (principal.startsWith('spiffe://'))
    return l10n.t(
      'Principals are written without "spiffe://": "{0}" is nobody. Write "{1}".',
      principal,
      principal.slice('spiffe://'.length),
    );
  if (principal.startsWith('ns/'))
    return l10n.t(
      'A principal begins with its trust domain: "{0}" is nobody. Write "cluster.local/{0}", or "*/{0}".',
      principal,
    );
  return /^[^*/]+$/.test(principal)
    ? l10n.t(
        '"{0}" is no principal: it is <trust domain>/ns/<namespace>/sa/<service account>, such as "cluster.local/ns/default/sa/{0}".',
        principal,
      )
    : undefined;
}
