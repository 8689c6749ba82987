import { isIPv6 } from 'node:net';

/** What Istio asks of an address: `https` and `443` of `HTTPS://keys.example.com:443/certs`. */
export interface Url {
  /** In small letters; empty without one. */
  scheme: string;
  /** Empty when it names none, and of an address without `//`. */
  host: string;
}

/**
 * Reads an address as Go's net/url does, which differs from the WHATWG's URL in what it lets pass: Istio decides with it.
 * @returns undefined for what Go takes for no address.
 */
export function parseUrl(text: string): Url | undefined {
  const hash = text.indexOf('#');
  if (hash === -1) return parse(text, false);
  return isEscapedWell(text.slice(hash + 1)) ? parse(text.slice(0, hash), false) : undefined;
}

/** The same for an address in a request: an absolute one, or a path from `/` on. It has no fragment. */
export function parseRequestUri(text: string): Url | undefined {
  return text === '' ? undefined : parse(text, true);
}

function parse(text: string, isRequest: boolean): Url | undefined {
  if (/[\0-\x1f\x7f]/.test(text) || text.startsWith(':')) return undefined;
  if (text === '*') return { scheme: '', host: '' };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1] ?? '';
  const rest = text.slice(scheme === '' ? 0 : scheme.length + 1).replace(/\?.*$/s, '');
  const url: Url = { scheme: scheme.toLowerCase(), host: '' };
  if (!rest.startsWith('/')) {
    // `registry:5000/image` has a scheme, and the rest is opaque.
    if (scheme !== '') return url;
    return isRequest || /^[^/]*:/.test(rest) || !isEscapedWell(rest) ? undefined : url;
  }
  const hasAuthority = rest.startsWith('//') && (scheme !== '' || (!isRequest && !rest.startsWith('///')));
  if (!hasAuthority) return isEscapedWell(rest) ? url : undefined;
  const [, authority = '', path = ''] = /^\/\/([^/]*)(.*)$/s.exec(rest) ?? [];
  const at = authority.lastIndexOf('@');
  const user = authority.slice(0, Math.max(at, 0));
  url.host = authority.slice(at + 1);
  const isFine = isUserInfo(user) && isHost(url.host) && isEscapedWell(path);
  return isFine ? url : undefined;
}

function isUserInfo(user: string): boolean {
  return /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user) && isEscapedWell(user);
}

function isHost(host: string): boolean {
  if (host.includes('[')) return isBracketed(host);
  const colon = host.lastIndexOf(':');
  if (colon !== -1 && !/^:\d*$/.test(host.slice(colon))) return false;
  return hasHostCharacters(host);
}

/** `[fd00::1]:443`; a zone follows as `%25eth0`. */
function isBracketed(host: string): boolean {
  const parts = /^\[(.*)\](?::\d*)?$/s.exec(host);
  if (!parts) return false;
  const [address = '', ...zone] = parts[1]!.split('%25');
  if (!isIPv6(address) || address.includes('%')) return false;
  return zone.length === 0 || (/^[^[]+$/.test(zone.join('')) && isEscapedWell(zone.join('%25')));
}

/** ASCII is not escaped in a host, other characters may be. */
function hasHostCharacters(host: string): boolean {
  return /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]|[^\0-\x7f]|%(?:25|[89A-Fa-f][0-9A-Fa-f]))*$/.test(host);
}

function isEscapedWell(text: string): boolean {
  return !/%(?![0-9A-Fa-f]{2})/.test(text);
}
