/** Reads as much of an X.509 certificate as its validity: PEM → DER → notAfter. It does not verify anything. */

/** What a certificate says of itself, or why it cannot be read. */
export type Certificate = { expires: Date } | { unreadable: 'not PEM' | 'not X.509' };

/** The first certificate of a PEM text. */
export function readCertificate(pem: string): Certificate {
  const [, body] = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END/.exec(pem) ?? [];
  const der = body === undefined ? undefined : fromBase64(body);
  if (!der) return { unreadable: 'not PEM' };
  const expires = findExpiry(der);
  return expires ? { expires } : { unreadable: 'not X.509' };
}

/** Text of base64; undefined when it is none. */
export function decodeBase64(text: string): string | undefined {
  const bytes = fromBase64(text);
  return bytes && new TextDecoder('utf-8').decode(bytes);
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text.replace(/\s+/g, '')), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

interface Element {
  tag: number;
  start: number;
  end: number;
}

const sequence = 0x30;
const integer = 0x02;
/** `[0] EXPLICIT Version`, absent in certificates of version 1. */
const version = 0xa0;
const utcTime = 0x17;
const generalizedTime = 0x18;

/**
 * Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serialNumber, signature, issuer,
 * validity SEQUENCE { notBefore, notAfter }, … }, … } — RFC 5280, 4.1.
 */
function findExpiry(der: Uint8Array): Date | undefined {
  const certificate = elementAt(der, 0, der.length);
  const tbs = certificate?.tag === sequence ? elementAt(der, certificate.start, certificate.end) : undefined;
  if (tbs?.tag !== sequence) return undefined;
  let here = elementAt(der, tbs.start, tbs.end);
  if (here?.tag === version) here = elementAt(der, here.end, tbs.end);
  if (here?.tag !== integer) return undefined;
  const signature = elementAt(der, here.end, tbs.end);
  const issuer = signature && elementAt(der, signature.end, tbs.end);
  const validity = issuer && elementAt(der, issuer.end, tbs.end);
  if (validity?.tag !== sequence) return undefined;
  const notBefore = elementAt(der, validity.start, validity.end);
  const notAfter = notBefore && elementAt(der, notBefore.end, validity.end);
  return notAfter && readTime(der, notAfter);
}

function elementAt(der: Uint8Array, at: number, limit: number): Element | undefined {
  const [tag, first] = [der[at], der[at + 1]];
  if (tag === undefined || first === undefined) return undefined;
  let start = at + 2;
  let length = first;
  if (first >= 0x80) {
    const bytes = first & 0x7f;
    if (bytes === 0 || bytes > 4) return undefined;
    length = 0;
    for (let index = 0; index < bytes; index++) length = length * 256 + (der[start + index] ?? 0);
    start += bytes;
  }
  const end = start + length;
  return end <= limit ? { tag, start, end } : undefined;
}

/** `YYMMDDhhmmssZ` (years from 50 on are of the last century) or `YYYYMMDDhhmmssZ`. */
function readTime(der: Uint8Array, { tag, start, end }: Element): Date | undefined {
  const text = new TextDecoder('latin1').decode(der.subarray(start, end));
  const [, year, month, day, hour, minute, second] =
    (tag === utcTime ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(
      text,
    ) ?? [];
  if (year === undefined || (tag !== utcTime && tag !== generalizedTime)) return undefined;
  const century = tag === utcTime ? (Number(year) >= 50 ? 1900 : 2000) : 0;
  const time = Date.UTC(
    century + Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return new Date(time);
}
