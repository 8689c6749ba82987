import * as l10n from '@vscode/l10n';
import { isIP } from 'node:net';

/** A DNS label: `reviews-v1`. Istio lets capital letters pass, Kubernetes does not. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/i.test(text);
}

/**
 * Why a text is no host that may be a wildcard (`reviews`, `api.example.com`, `*.example.com`, `*`); undefined when it is
 * one. Only the first label may begin with `*` or `*-`: Envoy compares by suffix, so `api.*.com` would match nothing. A dot
 * may end it, and a lone label may be a number; an IPv4 address is none, because it ends in a number.
 */
export function whyNoWildcardHost(host: string): string | undefined {
  if (host === '') return l10n.t('it is empty');
  if (host.length > 255) return l10n.t('it is longer than 255 characters');
  const [first = '', ...others] = host.split('.');
  if (others.some((label) => label.includes('*')) || first.lastIndexOf('*') > 0)
    return l10n.t('"*" may stand at its very beginning only');
  // `*.example.com`, `*example.com` and `*-api.example.com` all begin with a wildcard.
  if (first !== '*' && (first.length > 63 || !isDnsLabel(first.replace(/^\*-?/, '')))) return noPartOfHost(first);
  return others.length === 0 ? undefined : whyNoLabels(others);
}

/** Why a text is no full host without a wildcard; undefined when it is one. */
export function whyNoHost(host: string): string | undefined {
  if (host.startsWith('*')) return l10n.t('a wildcard is not allowed here');
  if (host === '') return l10n.t('it is empty');
  if (host.length > 255) return l10n.t('it is longer than 255 characters');
  return whyNoLabels(host.split('.'));
}

function whyNoLabels(labels: string[]): string | undefined {
  if (/^\d+$/.test(labels.at(-1)!)) return l10n.t('it ends in a number');
  const wrong = (labels.at(-1) === '' ? labels.slice(0, -1) : labels).find((label) => !isDnsLabel(label));
  return wrong === undefined ? undefined : noPartOfHost(wrong);
}

function noPartOfHost(label: string): string {
  return label === ''
    ? l10n.t('there is nothing between two dots')
    : l10n.t('"{0}" is no part of a host: letters, digits and "-" may be in it, at most 63', label);
}

/** `10.0.0.1`, `fd00::1`; also with a zone, `fe80::1%eth0`. */
export function isIpAddress(text: string): boolean {
  const zone = text.indexOf('%');
  return zone === -1 ? isIP(text) !== 0 : isIP(text.slice(0, zone)) === 6 && zone < text.length - 1;
}

/** `10.0.0.0/8`; host bits may be set, but no zone may be named. */
export function isCidr(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (!family || bits === undefined || more.length > 0 || address.includes('%')) return false;
  return /^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

/** What Istio takes as a block of addresses: `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`. */
export function isIpOrCidr(text: string): boolean {
  return text.includes('/') ? isCidr(text) : isIpAddress(text);
}

/** Whether every name of the first host, which may be a wildcard, is one of the second. */
export function isWithinHost(inner: string, outer: string): boolean {
  if (!outer.startsWith('*')) return inner === outer;
  return inner.length >= outer.length - 1 && inner.replace(/^\*/, '').endsWith(outer.slice(1));
}
