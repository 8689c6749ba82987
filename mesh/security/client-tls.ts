import * as l10n from '@vscode/l10n';
import { choosePolicies, modeOn } from './choose-policies.ts';
import { ruleName } from './find-client-rule.ts';
import { asPolicy } from './security-objects.ts';
import type { DestinationRule, SecurityWorld, TlsSettings, TrafficPolicyObject } from './security-objects.ts';

/**
 * What clients put on the wire.
 * `auto`: mutual TLS of the mesh to every pod that takes it, plain text to the others. `mesh`: mutual TLS of the mesh,
 * always. `plain`: plain text. `tls`: TLS without a certificate of their own. `own`: with certificates that the rule names.
 */
export type Sends = 'auto' | 'mesh' | 'plain' | 'tls' | 'own';

export interface ClientTls {
  sends: Sends;
  /** `shop/ratings`; absent: no rule says it. */
  rule?: string;
  /** For clients with these labels only. */
  clientLabels?: Record<string, string>;
  /** Of the subset only. */
  subset?: string;
  /** `ISTIO_MUTUAL` as written. */
  mode?: string;
  /** The rule has clients go straight to the pods, without balancing: `loadBalancer.simple: PASSTHROUGH`. */
  passthrough?: boolean;
  /** A PeerAuthentication made it so: with another one it would be otherwise. */
  byPolicy?: boolean;
  /** Why, in a sentence. */
  says: string;
}

/** The Service that is called, as far as automatic mutual TLS depends on it. */
export interface CalledService {
  namespace: string;
  /** The Service's port, as DestinationRules name it. */
  port: number;
  /** A ServiceEntry's host outside of the mesh: nothing is automatic there. */
  isExternal?: boolean;
}

/** What the clients that use these rules send to a port: for all, for clients with certain labels, and to single subsets. */
export function clientTls(rules: readonly DestinationRule[], called: CalledService, world: SecurityWorld): ClientTls[] {
  const ofAll = rules.filter(({ spec }) => spec?.workloadSelector === undefined);
  const ofSome = rules.filter(({ spec }) => spec?.workloadSelector !== undefined);
  return [
    ...forRules(ofAll, called, world),
    ...ofSome.flatMap((rule) =>
      forRules([rule], called, world).map((tls) => ({
        ...tls,
        clientLabels: rule.spec?.workloadSelector?.matchLabels ?? {},
      })),
    ),
  ];
}

function forRules(rules: readonly DestinationRule[], called: CalledService, world: SecurityWorld): ClientTls[] {
  // Of merged rules, the first that has a policy for the host gives it; every subset counts once.
  const main = rules.find(({ spec }) => spec?.trafficPolicy);
  const policy = main?.spec?.trafficPolicy;
  const whole = answer(main, tlsOn(policy, called.port), called, world);
  const subsets = new Map<string, ClientTls>();
  for (const rule of rules) {
    for (const { name = '', trafficPolicy } of rule.spec?.subsets ?? []) {
      if (subsets.has(name) || !trafficPolicy) continue;
      const tls = tlsOfSubset(policy, trafficPolicy, called.port);
      const one = answer(rule, tls, called, world);
      if (one.sends !== whole.sends) subsets.set(name, { ...one, subset: name });
    }
  }
  return [whole, ...subsets.values()];
}

/** A setting for the port replaces the host's as a whole: without a `tls` of its own, none is said. */
function tlsOn(policy: TrafficPolicyObject | undefined, port: number): Said {
  const own = policy?.portLevelSettings?.find((setting) => setting.port?.number === port);
  const { tls, loadBalancer } = own ?? policy ?? {};
  return { tls, onPort: own !== undefined, passthrough: loadBalancer?.simple === 'PASSTHROUGH' };
}

function tlsOfSubset(policy: TrafficPolicyObject | undefined, subset: TrafficPolicyObject, port: number): Said {
  const own = tlsOn(subset, port);
  if (own.onPort) return own;
  const ofHost = tlsOn(policy, port);
  return {
    ...(own.tls ? own : ofHost),
    passthrough: subset.loadBalancer ? own.passthrough : ofHost.passthrough,
  };
}

interface Said {
  tls: TlsSettings | undefined;
  onPort: boolean;
  passthrough: boolean;
}

function answer(rule: DestinationRule | undefined, said: Said, called: CalledService, world: SecurityWorld): ClientTls {
  if (said.tls === undefined) return automatic(rule, said, called, world);
  const mode = said.tls.mode ?? 'DISABLE';
  const name = rule ? ruleName(rule) : '';
  const where = said.onPort
    ? l10n.t('DestinationRule {0} says {1} for port {2}.', name, mode, called.port)
    : l10n.t('DestinationRule {0} says {1}.', name, mode);
  return { sends: sendsOf(mode), rule: name, mode, says: where };
}

function sendsOf(mode: string): Sends {
  switch (mode) {
    case 'ISTIO_MUTUAL':
      return 'mesh';
    case 'SIMPLE':
      return 'tls';
    case 'MUTUAL':
      return 'own';
    default:
      return 'plain';
  }
}

/**
 * Nobody says how: the control plane decides per pod, from its policies. But whether it does so at all it asks of the
 * namespace: DISABLE there turns it off for all of its Services, also before a workload that says STRICT for itself.
 */
function automatic(
  rule: DestinationRule | undefined,
  { onPort, passthrough }: Said,
  { namespace, port, isExternal }: CalledService,
  world: SecurityWorld,
): ClientTls {
  const name = rule && ruleName(rule);
  const base = { ...(name !== undefined && { rule: name }), ...(passthrough && { passthrough }) };
  if (isExternal)
    return {
      ...base,
      sends: 'plain',
      says: l10n.t('No tls is set, and the host is outside of the mesh: what the app sends goes out as it is.'),
    };
  if (world.settings?.enableAutoMtls === false)
    return {
      ...base,
      sends: 'plain',
      says: l10n.t('No tls is set, and the mesh has enableAutoMtls: false: plain text.'),
    };
  const policies = world.peerAuthentications.map(asPolicy);
  const { mode, policy } = modeOn(choosePolicies(policies, { namespace, labels: undefined }, world.rootNamespace));
  if (mode === 'DISABLE')
    return {
      ...base,
      sends: 'plain',
      byPolicy: true,
      says: l10n.t(
        'No tls is set, and PeerAuthentication {0} says DISABLE for the whole of namespace {1}: automatic mutual TLS is off for its Services.',
        policy ? `${policy.namespace}/${policy.name}` : '',
        namespace,
      ),
    };
  return {
    ...base,
    sends: 'auto',
    says:
      onPort && name !== undefined
        ? l10n.t(
            'DestinationRule {0} has a setting for port {1} without tls, and that of the host is not inherited: automatic.',
            name,
            port,
          )
        : name === undefined
          ? l10n.t('No rule sets tls: automatic.')
          : l10n.t('DestinationRule {0} sets no tls: automatic.', name),
  };
}
