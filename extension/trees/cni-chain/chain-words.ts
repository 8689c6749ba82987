/** What a node tells of its runtime and of its pods' network, in words: for the tree and the panel. */
import * as l10n from '@vscode/l10n';
import type { FactView } from '../../../contract/cni-chain-view.ts';
import type { DelegateCall } from '../../../mesh/cni/read-chain.ts';
import type { PodNetworkFacts, RuntimeCni } from '../../../contract/node-helper.ts';

/** Who says which directories the runtime uses. */
export function describeRuntimeSource({ program, source }: RuntimeCni): string {
  switch (source) {
    case 'status':
      return l10n.t('{0} says so itself', program);
    case 'configuration':
      return l10n.t('from the configuration of {0}', program);
    case 'arguments':
      return l10n.t('from the arguments of {0}', program);
    case 'usual':
      return l10n.t('the usual place for {0}; nobody confirmed it', program);
  }
}

/** One fact a line; empty when nothing could be told. */
export function networkFacts(network: PodNetworkFacts | undefined): FactView[] {
  if (!network) return [];
  const { subnets, mtu, bridge, flannel, leases = [] } = network;
  const facts: FactView[] = subnets.map(({ subnet, source }) => ({
    name: l10n.t('Subnet of the pods'),
    value: subnet,
    source,
  }));
  if (mtu) facts.push({ name: 'MTU', value: String(mtu.value), source: mtu.source });
  if (bridge)
    facts.push({
      name: l10n.t('Bridge'),
      value: [bridge.name, ...bridge.addresses, bridge.mtu !== undefined && `MTU ${bridge.mtu}`]
        .filter(Boolean)
        .join(' · '),
    });
  for (const [key, value] of Object.entries(flannel ?? {}))
    facts.push({ name: key, value, source: '/run/flannel/subnet.env' });
  for (const { network: name, used, of } of leases)
    facts.push({
      name: l10n.t('Addresses leased in {0}', name),
      value: of === undefined ? String(used) : l10n.t('{0} of {1}', used, of),
    });
  return facts;
}

/** Which network a delegating plugin calls: `network podnet`, `CNI 0.4.0`. */
export function describeCall({ network, cniVersion }: DelegateCall): string[] {
  return [
    ...(network === undefined ? [] : [l10n.t('network {0}', network)]),
    ...(cniVersion === undefined ? [] : [l10n.t('CNI {0}', cniVersion)]),
  ];
}
