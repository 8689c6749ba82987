/** A sentence for each of kube-proxy's rules, of either mode: to whom it happens, and why. */
import * as l10n from '@vscode/l10n';
import { printRange } from '../interception/address-range.ts';
import { chainKind } from './chain-kind.ts';
import { serviceOfChain, serviceOfComment } from './find-frontends.ts';
import { label, noNames, printEndpoint } from './kube-names.ts';
import type { KubeNames } from './kube-names.ts';
import type { Action, Condition, KubeRule } from './kube-rules.ts';
import { printDuration, printPercent } from './print-numbers.ts';

/** Undefined: not a rule that kube-proxy writes. */
export function sayKubeRule(rule: KubeRule, names: KubeNames = noNames): string | undefined {
  const subject = new Subject(rule, names);
  switch (chainKind(rule.chain)) {
    case 'base':
      return sayBase(subject);
    case 'services':
    case 'node-ports':
      return rule.table === 'filter' ? sayCheck(subject) : sayDoor(subject);
    case 'service':
    case 'local':
      return sayService(subject);
    case 'external':
      return sayExternal(subject);
    case 'firewall':
      return sayFirewall(subject);
    case 'endpoint':
      return sayEndpoint(subject);
    case 'mark':
      return l10n.t(
        'The packet gets mark {0}: when it leaves, its source becomes the node’s own address, so that the answers come back through this node.',
        subject.markText(),
      );
    case 'mark-drop':
      return l10n.t('The packet is marked to be dropped later, in the filter table.');
    case 'masquerade':
      return sayMasquerade(subject);
    case 'check':
      return sayCheck(subject);
    case 'reject':
      return l10n.t(
        'The connection is refused at once: the Service has no endpoints, so there is nobody to send it to.',
      );
    case 'forward':
      return sayForward(subject);
    case 'loopback-guard':
      return l10n.t(
        'A packet for a loopback address that did not begin on this node is dropped: otherwise neighbours could reach what listens on 127.0.0.1 only.',
      );
    case 'canary':
    case 'other':
      return undefined;
  }
}

class Subject {
  readonly rule: KubeRule;
  readonly names: KubeNames;

  constructor(rule: KubeRule, names: KubeNames) {
    this.rule = rule;
    this.names = names;
  }

  get service(): string {
    const { chain, comment = '' } = this.rule;
    const said = serviceOfComment(comment) ?? serviceOfChain(this.target) ?? serviceOfChain(chain);
    return (said && label(said)) ?? this.names.services.get(chain) ?? this.names.services.get(this.target) ?? chain;
  }

  get target(): string {
    return this.rule.actions.map((action) => ('chain' in action ? action.chain : '')).join('');
  }

  /** The endpoint to which the rule's chain, or the chain it leads to, sends. */
  endpointOf(chain: string): string {
    const said = / -> (\S+)$/.exec(this.rule.comment ?? '')?.[1] ?? this.names.endpoints.get(chain);
    if (said !== undefined) return said;
    // `endpoint-DA6B7XRL-default/web/tcp/http__10.88.0.2/8080`; an IPv6 address has dots for its colons there.
    const [, address, port] = /__(.+)\/(\d+)$/.exec(chain) ?? [];
    if (address === undefined) return chain;
    return /^\d+\.\d+\.\d+\.\d+$/.test(address)
      ? `${address}:${port ?? ''}`
      : `[${address.replace(/\./g, ':')}]:${port ?? ''}`;
  }

  action<K extends Action['kind']>(kind: K): Extract<Action, { kind: K }> | undefined {
    return this.rule.actions.find((action) => action.kind === kind) as Extract<Action, { kind: K }> | undefined;
  }

  condition<K extends Condition['kind']>(kind: K): Extract<Condition, { kind: K }> | undefined {
    return this.rule.conditions.find((condition) => condition.kind === kind) as
      Extract<Condition, { kind: K }> | undefined;
  }

  get sources(): string {
    const ranges = this.condition('source')?.ranges ?? [];
    return ranges.map((range) => printRange(range).replace(/\/(32|128)$/, '')).join(', ');
  }

  get destination(): string {
    const [range] = this.condition('destination')?.ranges ?? [];
    return range ? printRange(range).replace(/\/(32|128)$/, '') : l10n.t('an address of this node');
  }

  get port(): string {
    const [ports] = this.condition('port')?.ports ?? [];
    return ports ? (ports[0] === ports[1] ? String(ports[0]) : `${ports[0]}-${ports[1]}`) : '?';
  }

  get protocol(): string {
    return (this.condition('protocol')?.names[0] ?? '').toUpperCase();
  }

  leadsTo(...kinds: string[]): boolean {
    return kinds.includes(chainKind(this.target));
  }

  markText(): string {
    return `0x${(this.action('mark')?.set ?? 0).toString(16)}`;
  }
}

function sayBase({ rule, target }: Subject): string | undefined {
  const kind = chainKind(target);
  if (target === 'KUBE-PROXY-FIREWALL' || target === 'firewall-check')
    return l10n.t('New connections are looked at for load balancer addresses that only some clients may use.');
  if (kind === 'services')
    return rule.table === 'filter'
      ? l10n.t('New connections are looked at for Services that have no endpoints.')
      : /OUTPUT|output/.test(rule.chain)
        ? l10n.t('What the node’s own processes send is looked at for addresses of Services.')
        : l10n.t('What comes in, from pods and from outside, is looked at for addresses of Services.');
  if (kind === 'masquerade')
    return l10n.t('What leaves is looked at for the mark that asks for the node’s own address as source.');
  if (kind === 'node-ports')
    return l10n.t('What comes for the node itself is looked at for health check ports of Services.');
  if (
    target === 'service-endpoints-check' ||
    target === 'nodeport-endpoints-check' ||
    target === 'KUBE-EXTERNAL-SERVICES'
  )
    return l10n.t('New connections are looked at for Services that have no endpoints.');
  if (target === 'cluster-ips-check')
    return l10n.t(
      'New connections are looked at for cluster IPs whose port no Service has: nothing was found to send them to.',
    );
  if (kind === 'forward')
    return l10n.t('What passes through the node is looked at for Services’ traffic, which must not be stopped here.');
  if (kind === 'loopback-guard')
    return l10n.t('Packets are looked at for loopback addresses that others must not reach.');
  return undefined;
}

/** KUBE-SERVICES and KUBE-NODEPORTS of nat: from an address to a Service. */
function sayDoor(subject: Subject): string | undefined {
  const { rule, target } = subject;
  const lookup = subject.action('lookup');
  if (lookup)
    return /nodeport/.test(lookup.map)
      ? l10n.t(
          'A connection to a node port is looked up by protocol and port, and goes on in the chain of that Service.',
        )
      : l10n.t(
          'The destination’s address, protocol and port are looked up among all Services; what is found goes on in the chain of that Service.',
        );
  if (chainKind(target) === 'node-ports')
    return l10n.t('No Service’s address: if the packet is for the node itself, its port may be a node port.');
  if (subject.condition('destination')?.ranges[0]?.length === 8)
    return l10n.t(
      'A connection to node port {0} over loopback means Service {1}; it is counted, because it only works from this node.',
      subject.port,
      subject.service,
    );
  if (chainKind(rule.chain) === 'node-ports')
    return l10n.t(
      'A connection to {0} port {1} of this node means Service {2}.',
      subject.protocol,
      subject.port,
      subject.service,
    );
  if (subject.leadsTo('mark'))
    return l10n.t(
      'Connections to {0} of Service {1} are marked: its endpoints will see this node as the client.',
      subject.destination,
      subject.service,
    );
  if (!subject.leadsTo('service', 'local', 'external', 'firewall')) return undefined;
  const place = [subject.destination, subject.protocol, subject.port] as const;
  if (subject.leadsTo('external', 'firewall'))
    return l10n.t(
      'A connection to {0} ({1} port {2}) means Service {3}, asked for from outside the cluster.',
      ...place,
      subject.service,
    );
  if (subject.leadsTo('local'))
    return l10n.t(
      'A connection to {0} ({1} port {2}) means Service {3}; only endpoints on this node are used (internalTrafficPolicy: Local).',
      ...place,
      subject.service,
    );
  return l10n.t('A connection to {0} ({1} port {2}) means Service {3}.', ...place, subject.service);
}

/** KUBE-SVC and KUBE-SVL: one endpoint is chosen. */
function sayService(subject: Subject): string | undefined {
  const { rule, names, service, target } = subject;
  if (subject.leadsTo('mark')) return sayMark(subject);
  const random = subject.action('random');
  if (random) {
    const endpoints = [...random.verdicts.values()].map((verdict) =>
      'chain' in verdict ? subject.endpointOf(verdict.chain) : verdict.kind,
    );
    return random.size === 1
      ? l10n.t('Every client of Service {0} goes to its only endpoint here, {1}.', service, endpoints.join(', '))
      : l10n.t(
          'By chance, each new connection to Service {0} goes to one of {1} endpoints, {2} % to each: {3}.',
          service,
          random.size,
          printPercent(1 / random.size),
          listSome(endpoints),
        );
  }
  if (!subject.leadsTo('endpoint')) return undefined;
  const endpoint = subject.endpointOf(target);
  const affinity = subject.condition('affinity');
  if (affinity)
    return affinity.seconds === undefined
      ? l10n.t(
          'A client of Service {0} that was sent to {1} before, and is still remembered, goes there again (session affinity).',
          service,
          endpoint,
        )
      : l10n.t(
          'A client of Service {0} that was sent to {1} in the last {2} goes there again (session affinity).',
          service,
          endpoint,
          printDuration(affinity.seconds),
        );
  const share = names.shares.get(rule.text);
  const chance = subject.condition('chance');
  if (!chance)
    return share === undefined || share > 0.999999
      ? l10n.t('A client of Service {0} that no rule above has taken goes to {1}.', service, endpoint)
      : l10n.t(
          'Who is left goes to {1}: {2} % of the new connections to Service {0}.',
          service,
          endpoint,
          printPercent(share),
        );
  const text = printPercent(chance.probability);
  return share === undefined || Math.abs(share - chance.probability) < 1e-6
    ? l10n.t('{2} % of the new connections to Service {0} that come this far go to {1}.', service, endpoint, text)
    : l10n.t(
        '{2} % of those that come this far go to {1}: {3} % of all new connections to Service {0}.',
        service,
        endpoint,
        text,
        printPercent(share),
      );
}

/** Who asks for the mark, and why. */
function sayMark(subject: Subject): string {
  const source = subject.condition('source');
  const nic = subject.condition('interface');
  if (source?.negated)
    return l10n.t(
      'Clients of Service {0} outside the pod network ({1}) are marked: the endpoint will see this node as the client, so that its answer comes back through here.',
      subject.service,
      subject.sources,
    );
  if (nic?.negated)
    return l10n.t(
      'Clients of Service {0} that did not come in by interface {1}, so are no pods, are marked: the endpoint will see this node as the client.',
      subject.service,
      nic.name,
    );
  if (source)
    return l10n.t(
      'Clients of Service {0} from {1} are marked: the endpoint will see this node as the client.',
      subject.service,
      subject.sources,
    );
  return l10n.t(
    'All clients of Service {0} are marked (kube-proxy’s masqueradeAll, or no pod network is known to it): the endpoint will see this node as the client.',
    subject.service,
  );
}

/** KUBE-EXT: who comes from outside. */
function sayExternal(subject: Subject): string | undefined {
  const { service } = subject;
  const local = subject.condition('source-local');
  if (subject.leadsTo('mark'))
    return local
      ? l10n.t(
          'Clients of Service {0} on this node itself that ask for its external address are marked: the endpoint will see this node as the client.',
          service,
        )
      : subject.condition('source')
        ? sayMark(subject)
        : l10n.t(
            'Clients of Service {0} from outside the cluster are marked (externalTrafficPolicy: Cluster): the endpoint will not see their address, but this node’s, and its answer comes back through here.',
            service,
          );
  if (subject.leadsTo('service')) {
    if (local)
      return l10n.t('A client on this node itself may use all endpoints of Service {0}, not only those here.', service);
    if (subject.condition('source') ?? subject.condition('interface'))
      return l10n.t(
        'A pod that asks for an external address of Service {0} is treated as if it had asked for the cluster IP: all endpoints, its address is kept.',
        service,
      );
    return l10n.t(
      'Clients of Service {0} from outside may be sent to any endpoint (externalTrafficPolicy: Cluster).',
      service,
    );
  }
  if (subject.leadsTo('local'))
    return l10n.t(
      'Clients of Service {0} from outside are only sent to endpoints on this node, and keep their address (externalTrafficPolicy: Local).',
      service,
    );
  if (subject.leadsTo('endpoint')) return sayService(subject);
  return subject.leadsTo('mark-drop') || subject.action('drop')
    ? l10n.t(
        'Clients of Service {0} from outside are dropped: none of its endpoints is on this node (externalTrafficPolicy: Local).',
        service,
      )
    : undefined;
}

/** KUBE-FW: loadBalancerSourceRanges. */
function sayFirewall(subject: Subject): string | undefined {
  const { service, rule } = subject;
  const source = subject.condition('source');
  if (subject.action('drop') ?? (subject.leadsTo('mark-drop') || undefined))
    return source?.negated
      ? l10n.t(
          'Clients of Service {0} that are not in {1} (loadBalancerSourceRanges) are dropped.',
          service,
          subject.sources,
        )
      : l10n.t('All other clients of Service {0} are dropped: they are not in its loadBalancerSourceRanges.', service);
  if (subject.leadsTo('external', 'service', 'local'))
    return source
      ? l10n.t(
          'Clients of Service {0} from {1} may use its load balancer address (loadBalancerSourceRanges).',
          service,
          subject.sources,
        )
      : l10n.t('Clients that come this far may use the load balancer address of Service {0}.', service);
  if (subject.leadsTo('mark')) return sayMark(subject);
  return rule.actions.length === 0
    ? l10n.t(
        'Who comes this far may not use the load balancer address of Service {0}: it keeps its destination, and KUBE-PROXY-FIREWALL drops it.',
        service,
      )
    : undefined;
}

function sayEndpoint(subject: Subject): string | undefined {
  const { rule, service } = subject;
  const dnat = subject.action('dnat');
  const remember = subject.action('remember');
  if (dnat)
    return remember
      ? l10n.t(
          'The connection to Service {0} goes to {1}, and the client is remembered for its next ones (session affinity).',
          service,
          printEndpoint(dnat),
        )
      : l10n.t('The connection to Service {0} goes to {1}.', service, printEndpoint(dnat));
  if (remember)
    return l10n.t(
      'The client is remembered: its next connections to Service {0} go to {1} too (session affinity).',
      service,
      subject.endpointOf(rule.chain),
    );
  if (subject.leadsTo('mark'))
    return l10n.t(
      'If the client is this endpoint itself ({0}), it is marked: it must see this node as the client, or it would answer itself directly and the connection would never open (hairpin).',
      subject.sources,
    );
  return undefined;
}

function sayMasquerade(subject: Subject): string | undefined {
  if (subject.action('masquerade'))
    return l10n.t('The source becomes the node’s own address: the endpoint sees this node as the client.');
  if (subject.action('return'))
    return l10n.t('Packets without kube-proxy’s mark leave as they are, with the client’s own address.');
  if (subject.action('mark')) return l10n.t('The mark is taken off again, so that what comes after does not see it.');
  return undefined;
}

function sayCheck(subject: Subject): string | undefined {
  const { rule, service } = subject;
  const lookup = subject.action('lookup');
  if (lookup)
    return lookup.map === 'firewall-ips'
      ? l10n.t(
          'A load balancer address that only some clients may use is looked up, and the client is held against its loadBalancerSourceRanges.',
        )
      : l10n.t(
          'The destination is looked up among the Services that have no endpoints: those are refused, or dropped where only this node lacks them.',
        );
  const refused = subject.action('reject');
  const dropped = subject.action('drop');
  if (rule.chain === 'cluster-ips-check')
    return refused
      ? l10n.t('A cluster IP of a Service, but not one of its ports: refused.')
      : l10n.t('An address in the range of cluster IPs that no Service has: dropped.');
  if (subject.action('accept'))
    return l10n.t(
      'Health check port {0} of Service {1} may be asked on this node: a load balancer learns there whether the node has endpoints.',
      subject.port,
      service,
    );
  if (rule.chain === 'KUBE-PROXY-FIREWALL' && dropped)
    return l10n.t(
      'Who was not let in by the loadBalancerSourceRanges of Service {0} still has its destination {1}, and is dropped.',
      service,
      subject.destination,
    );
  if (refused) return l10n.t('Who asks for Service {0} is refused at once: it has no endpoints.', service);
  if (dropped)
    return l10n.t(
      'Who asks for Service {0} here is dropped: it has endpoints, but none on this node, and its traffic policy is Local.',
      service,
    );
  return undefined;
}

function sayForward(subject: Subject): string | undefined {
  if (subject.action('drop'))
    return l10n.t(
      'Packets that belong to no known connection are dropped: passed on, they would make the client break off a good one.',
    );
  if (subject.condition('mark'))
    return l10n.t('What kube-proxy has marked may pass, whatever the other rules of this node say.');
  if (subject.condition('state')) return l10n.t('What belongs to a connection that was let through may pass.');
  return subject.action('accept') ? l10n.t('Traffic of Services may pass.') : undefined;
}

function listSome(names: string[]): string {
  return names.length <= 8
    ? names.join(', ')
    : l10n.t('{0} and {1} more', names.slice(0, 8).join(', '), names.length - 8);
}
