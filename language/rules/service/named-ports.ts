import type { Located } from '../../located.ts';
import type { Resource } from '../../resource.ts';
import { hasKnownProtocol } from '../protocols.ts';

/** Istio's analysis leaves these in peace. */
const ignoredNamespaces = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'];

/** A Service port that does not say what is spoken on it. */
export interface UnnamedPort {
  /** Its name or `appProtocol`, else the port. */
  at: Located;
  name: string;
  number: number;
}

/** Ports whose protocol Istio has to guess; none of Services that are not the user's to name. */
export function* findUnnamedPorts({ spec, metadata, namespace }: Resource): Iterable<UnnamedPort> {
  const labels = metadata.at('labels');
  if (ignoredNamespaces.includes(namespace) || labels.at('istio').exists || labels.at('release').string === 'istio')
    return;
  if (labels.at('gateway.istio.io/managed').exists) return;
  const isExternal = spec.at('type').string === 'ExternalName';
  for (const port of spec.at('ports').items) {
    const number = port.at('port').number;
    if (number === undefined) continue;
    const name = port.at('name').string ?? '';
    const appProtocol = port.at('appProtocol').string;
    const protocol = port.at('protocol').string ?? 'TCP';
    if (hasKnownProtocol({ number, name, protocol, appProtocol }) && !(isExternal && name === 'tcp')) continue;
    const said = [port.at('appProtocol'), port.at('name')].find(({ string }) => string);
    yield { at: said ?? port.at('port'), name: said?.string ?? name, number };
  }
}
