/** Service paths in words. */
import * as l10n from '@vscode/l10n';
import { printRange } from '../interception/address-range.ts';
import { chainKind } from './chain-kind.ts';
import type { Client, PodNetworks } from './clients.ts';
import type { Frontend } from './find-frontends.ts';
import { label } from './kube-names.ts';
import { printDuration } from './print-numbers.ts';
import type { ServiceObject } from './service-objects.ts';
import type { ClientPath, ServicePath } from './service-path.ts';
import type { Outcome } from './walk-chains.ts';

export function describeClient({ kind, ranges }: Client, pods: PodNetworks): string {
  switch (kind) {
    case 'pod': {
      const how = [...pods.ranges.map(printRange), ...pods.interfaces].join(', ');
      return how === '' ? l10n.t('a pod (kube-proxy does not tell pods from others here)') : l10n.t('a pod ({0})', how);
    }
    case 'node':
      return l10n.t('a process of the node itself, or a pod with hostNetwork');
    case 'allowed':
      return l10n.t('a client in {0} (loadBalancerSourceRanges)', ranges.map(printRange).join(', '));
    case 'outside':
      return ranges.length > 0
        ? l10n.t('any other client outside the cluster')
        : l10n.t('a client outside the cluster');
  }
}

export function describeOutcome(
  { verdict, shares, masqueraded }: Pick<ClientPath, 'verdict' | 'shares' | 'masqueraded'>,
  { kind }: Frontend,
  outcomes: readonly Outcome[],
): string {
  switch (verdict) {
    case 'endpoints': {
      const even = shares.every(({ percent }) => Math.abs(percent - shares[0]!.percent) < 0.02);
      const where =
        shares.length === 1
          ? l10n.t('Goes to the only endpoint.')
          : even
            ? l10n.t('Goes to one of {0} endpoints, to each with the same chance.', shares.length)
            : l10n.t('Goes to one of {0} endpoints, not to each with the same chance.', shares.length);
      return masqueraded
        ? l10n.t('{0} The endpoint sees the node as the client.', where)
        : l10n.t('{0} The endpoint sees the client’s own address.', where);
    }
    case 'REJECT':
      return l10n.t('Refused at once (“connection refused”): the Service has no endpoints that could take it.');
    case 'DROP':
      return outcomes.some(({ by }) => chainKind(by.chain) === 'firewall' || by.chain === 'KUBE-PROXY-FIREWALL')
        ? l10n.t('Dropped, the client waits until it gives up: its address is not in loadBalancerSourceRanges.')
        : l10n.t(
            'Dropped, the client waits until it gives up: there are endpoints, but none on this node, and the traffic policy is Local.',
          );
    case 'none':
      return kind === 'node-port'
        ? l10n.t('No rule takes it: it goes to whatever listens on that port of the node.')
        : l10n.t('No rule takes it: it keeps its destination and goes where the node’s routes lead.');
  }
}

/** Why endpoints see the node, or the client itself. */
export function whyMasqueraded(reached: readonly Outcome[], masqueraded: boolean): string {
  if (!masqueraded)
    return l10n.t(
      'Nothing marks it for masquerading: the answer finds its way back to the client through this node, because it comes from the pod network or the endpoint is here.',
    );
  const by = reached.find(({ markedBy }) => markedBy)?.markedBy;
  const source = by?.conditions.find((each) => each.kind === 'source' || each.kind === 'interface');
  if (by?.conditions.some(({ kind }) => kind === 'source-local'))
    return l10n.t('It comes from the node itself and asks for an external address.');
  if (by && chainKind(by.chain) === 'external')
    return l10n.t(
      'It comes from outside and may be sent to another node (externalTrafficPolicy: Cluster): only with the node as its source does the answer come back through here.',
    );
  if (by && chainKind(by.chain) === 'endpoint') return l10n.t('The endpoint talks to itself (hairpin).');
  if (source?.negated)
    return l10n.t(
      'It does not come from the pod network: only with the node as its source does the answer come back through here.',
    );
  return l10n.t('kube-proxy masquerades all of it (masqueradeAll, or it was not told the pod network).');
}

export function describePath(path: ServicePath, object?: ServiceObject): string {
  const { service, endpoints, affinity, mode } = path;
  const used = endpoints.filter(
    ({ standing }) => standing !== 'missing' && standing !== 'not-ready' && standing !== 'elsewhere',
  );
  const name = label(service);
  const sentences = [
    used.length === 0
      ? l10n.t(
          'On this node, Service {0} ({1}) has no endpoint to send connections to.',
          name,
          service.protocol.toUpperCase(),
        )
      : used.length === 1
        ? l10n.t(
            'On this node, kube-proxy ({0}) sends connections to Service {1} ({2}) to one endpoint.',
            mode,
            name,
            service.protocol.toUpperCase(),
          )
        : l10n.t(
            'On this node, kube-proxy ({0}) spreads connections to Service {1} ({2}) over {3} endpoints.',
            mode,
            name,
            service.protocol.toUpperCase(),
            used.length,
          ),
  ];
  if (affinity)
    sentences.push(
      affinity.seconds === undefined
        ? l10n.t('A client comes back to the endpoint that it had before (session affinity).')
        : l10n.t(
            'A client comes back to the endpoint that it had before, for {0} after its last connection (session affinity).',
            printDuration(affinity.seconds),
          ),
    );
  if (object?.spec?.internalTrafficPolicy === 'Local')
    sentences.push(
      l10n.t('From inside the cluster only endpoints on this node are used (internalTrafficPolicy: Local).'),
    );
  if (object?.spec?.externalTrafficPolicy === 'Local')
    sentences.push(
      l10n.t(
        'From outside only endpoints on this node are used, and clients keep their address (externalTrafficPolicy: Local).',
      ),
    );
  return sentences.join(' ');
}
