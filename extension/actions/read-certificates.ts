/** Certificates that a proxy holds, from the PEM texts of its secrets. Keys are redacted by Envoy and never looked at. */
import { X509Certificate } from 'node:crypto';
import { onceEach, type CertificateInfo, type SecretInfo } from '../../mesh/proxy-config/parse-proxy-config.ts';

const mostOfOne = 200;

/** @returns what could be read; a broken one is left out. */
export function readCertificates(secrets: readonly SecretInfo[]): CertificateInfo[] {
  return onceEach(secrets.flatMap((secret) => certificatesOf(secret)));
}

/** Those of `more` that are not among `known`: `/certs` lists what is loaded, without saying from where. */
export function addUnknown(known: readonly CertificateInfo[], more: readonly CertificateInfo[]): CertificateInfo[] {
  const serials = new Set(known.map(({ serial }) => plain(serial)));
  return [...known, ...more.filter(({ serial }) => !serials.has(plain(serial)))];
}

function plain(serial: string): string {
  return serial.toLowerCase().replaceAll(':', '').replace(/^0+/, '');
}

function certificatesOf({ name, kind, pem, base64 }: SecretInfo): CertificateInfo[] {
  const texts = pem || Buffer.from(base64, 'base64').toString('latin1');
  const blocks = texts.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.slice(0, mostOfOne).flatMap((block, at): CertificateInfo[] => {
    try {
      const { subjectAltName = '', subject, serialNumber, validFrom, validTo } = new X509Certificate(block);
      const names = [...subjectAltName.matchAll(/(?:URI|DNS|IP Address):([^,\s]+)/g)].map(([, found = '']) => found);
      const common = /(?:^|\n)(?:CN|O)=(.*)/.exec(subject ?? '')?.[1];
      return [
        {
          // The first of a chain is the workload's, the others sign it.
          role: kind === 'certificate' && at === 0 ? 'workload' : 'ca',
          names: names.length > 0 ? names : common === undefined ? [] : [common],
          serial: serialNumber.toLowerCase(),
          validFrom: isoTime(validFrom),
          expires: isoTime(validTo),
          secret: name,
        },
      ];
    } catch {
      return [];
    }
  });
}

/** `Nov 21 10:00:00 2026 GMT` */
function isoTime(time: string): string {
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? time : new Date(ms).toISOString().replace('.000Z', 'Z');
}
