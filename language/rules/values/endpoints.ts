import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located } from '../../located.ts';
import { isDnsLabel } from './hosts.ts';
import { isUnixAddress, isUnixSocket, isWrongPort } from './ports.ts';

/** Names and numbers of the ports of an endpoint: of a WorkloadEntry, a ServiceEntry's endpoint, a WorkloadGroup's template. */
export function* findPortFaults(endpoint: Located): Iterable<Finding> {
  const ports = endpoint.at('ports');
  const address = endpoint.at('address').string ?? '';
  if (isUnixAddress(address) && ports.isSet)
    yield finding(
      ports.key ?? ports,
      l10n.t('A unix socket has no ports: Istio refuses "ports" beside the address "{0}". Remove one.', address),
    );
  for (const { key, value } of ports.entries) {
    const name = String(key.value ?? '');
    // The CRD's own rule leaves one character less than a DNS label has.
    if (!isDnsLabel(name) || name.length >= 63)
      yield finding(
        key,
        l10n.t(
          '"{0}" cannot be the name of a port: letters, digits and "-" may be in it, at most 62. Istio refuses it.',
          name,
        ),
      );
    if (isWrongPort(value.number)) yield finding(value, l10n.t('{0} is no port: Istio takes 1 to 65535.', value.text));
  }
}

/** Why an address that begins with `unix://` is that of no socket; undefined when it is one or no such address at all. */
export function whyNoSocket(address: string): string | undefined {
  if (!isUnixAddress(address) || isUnixSocket(address)) return undefined;
  return address.endsWith('/') && address !== 'unix://'
    ? l10n.t('it names a directory; a socket is a file')
    : l10n.t('behind unix:// stands an absolute path, or "@" with a name');
}
