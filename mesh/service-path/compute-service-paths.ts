import * as l10n from '@vscode/l10n';
import { parseRange, printRange } from '../interception/address-range.ts';
import { chooseClients, findPodNetworks } from './clients.ts';
import type { Client, PodNetworks } from './clients.ts';
import { compareWithObjects, explainAbsence } from './compare-with-objects.ts';
import type { ObjectInputs } from './compare-with-objects.ts';
import { describeClient, describeOutcome, describePath, whyMasqueraded } from './describe-path.ts';
import { findFrontends, serviceOfComment } from './find-frontends.ts';
import type { Frontend, ServicePortName } from './find-frontends.ts';
import { followFrontend } from './follow-frontend.ts';
import type { Followed } from './follow-frontend.ts';
import { label, learnKubeNames } from './kube-names.ts';
import type { KubeNames } from './kube-names.ts';
import type { KubeRule, KubeRuleset } from './kube-rules.ts';
import { sharesInPercent } from './print-numbers.ts';
import { readKubeRules } from './read-kube-rules.ts';
import { sayKubeRule } from './say-rule.ts';
import type {
  ClientPath,
  EndpointShare,
  PathVerdict,
  ServicePath,
  ServicePaths,
  ServiceQuery,
} from './service-path.ts';

/**
 * A node's rules, in one or several texts (`iptables-save`, `nft list table ip kube-proxy`, …), and the Service that is
 * asked for → where connections to it go from this node.
 * @param objects Services and EndpointSlices, to compare the rules with; absent: only the rules speak.
 */
export function computeServicePaths(
  texts: readonly string[],
  query: ServiceQuery = {},
  objects?: ObjectInputs,
): ServicePaths {
  const all = texts.flatMap(readKubeRules);
  const rulesets = all.filter(({ family }) => query.family === undefined || query.family === family);
  const warnings = [...new Set(rulesets.flatMap((rules) => rules.warnings))];
  if (all.length === 0)
    return {
      paths: [],
      warnings,
      whyNone: l10n.t(
        'There are no rules of kube-proxy here: neither chain KUBE-SERVICES nor a table kube-proxy. Read them on the node itself, not in a pod (iptables-save -c, or nft list ruleset); a CNI plugin may also do kube-proxy’s work without rules (Cilium, OVN).',
      ),
    };
  if (new Set(rulesets.filter(hasFrontends).map(({ mode }) => mode)).size > 1)
    warnings.push(
      l10n.t(
        'Both iptables and nftables rules of kube-proxy are on this node: one of them is left over from before its mode was changed, and both see the packets.',
      ),
    );
  const paths = rulesets.flatMap((rules) => pathsIn(rules, query, objects));
  const undecided = new Set(paths.flatMap(({ undecided: own }) => [...own]));
  if (undecided.size > 0)
    warnings.push(
      l10n.t(
        'Conditions that were taken as not fulfilled, because they cannot be decided here: {0}.',
        [...undecided].slice(0, 5).join('; '),
      ),
    );
  if (paths.length > 0) return { paths: paths.map(({ path }) => path), warnings };
  return { paths: [], warnings, whyNone: explainAbsence(query, rulesets, objects) };
}

function hasFrontends(rules: KubeRuleset): boolean {
  return findFrontends(rules).length > 0;
}

function pathsIn(rules: KubeRuleset, query: ServiceQuery, objects: ObjectInputs | undefined) {
  const groups = new Map<string, Frontend[]>();
  for (const frontend of findFrontends(rules)) {
    const key = `${label(frontend.service)} ${frontend.service.protocol}`;
    groups.set(key, [...(groups.get(key) ?? []), frontend]);
  }
  const context: Context = {
    rules,
    names: learnKubeNames([rules]),
    pods: findPodNetworks(rules),
    ...(objects && { objects }),
  };
  return [...groups.values()]
    .map((frontends) => frontends.filter((frontend) => isWanted(frontend, frontends, query, rules, objects)))
    .filter((frontends) => frontends.length > 0)
    .map((frontends) =>
      pathOf(
        context,
        frontends.sort((a, b) => kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind)),
      ),
    )
    .sort((a, b) => compareText(nameOf(a.path), nameOf(b.path)));
}

const kindOrder: Frontend['kind'][] = ['cluster-ip', 'external-ip', 'load-balancer', 'node-port'];

function nameOf({ service }: ServicePath): string {
  return `${service.namespace} ${service.name} ${service.port} ${service.protocol}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Context {
  rules: KubeRuleset;
  names: KubeNames;
  pods: PodNetworks;
  objects?: ObjectInputs;
}

function isWanted(
  frontend: Frontend,
  siblings: readonly Frontend[],
  query: ServiceQuery,
  rules: KubeRuleset,
  objects: ObjectInputs | undefined,
): boolean {
  const { service, address, port, kind } = frontend;
  if (query.namespace !== undefined && service.namespace !== query.namespace) return false;
  if (query.name !== undefined && service.name !== query.name) return false;
  if (query.protocol !== undefined && service.protocol !== query.protocol) return false;
  if (query.servicePort !== undefined && service.port !== query.servicePort)
    if (!siblings.some((each) => each.kind !== 'node-port' && String(each.port) === query.servicePort)) return false;
  if (query.port !== undefined && port !== query.port) return false;
  if (query.address === undefined) return true;
  if (kind === 'node-port') return isNodeAddress(query.address, rules, objects);
  const wanted = parseRange(query.address);
  return wanted !== undefined && wanted.first === parseRange(address)?.first;
}

/** An address of the node, as far as it is known which those are; every address that no Service has may be one. */
function isNodeAddress(address: string, rules: KubeRuleset, objects: ObjectInputs | undefined): boolean {
  const known = [...(rules.sets.get('nodeport-ips')?.elements ?? []), ...(objects?.nodeAddresses ?? [])];
  const wanted = parseRange(address)?.first;
  if (wanted === undefined) return false;
  if (known.length > 0) return known.some((each) => parseRange(each)?.first === wanted);
  return !findFrontends(rules).some(
    (frontend) => frontend.address !== '' && parseRange(frontend.address)?.first === wanted,
  );
}

function pathOf(context: Context, frontends: Frontend[]): { path: ServicePath; undecided: Set<string> } {
  const { rules, objects } = context;
  const service = frontends[0]!.service;
  const undecided = new Set<string>();
  const followed = frontends.map((frontend) => ({
    kind: frontend.kind,
    address: frontend.address,
    port: frontend.port,
    clients: followClients(context, frontend, undecided),
  }));
  const affinity = findAffinity(rules, context.names, service);
  const health = findHealthCheck(rules, service);
  const ranges = followed.flatMap(({ clients }) => clients.flatMap(({ ranges: own }) => own)).map(plainRange);
  const path: ServicePath = {
    mode: rules.mode,
    family: rules.family,
    service,
    summary: '',
    ...(affinity && { affinity }),
    ...(health !== undefined && { healthCheckNodePort: health }),
    ...(ranges.length > 0 && { sourceRanges: [...new Set(ranges)] }),
    frontends: followed.map(({ clients, ...rest }) => ({ ...rest, clients: clients.map(withoutRanges) })),
    endpoints: [],
    problems: [],
  };
  const compared = compareWithObjects(path, endpointsInRules(context, service, path), objects);
  path.endpoints = compared.endpoints;
  path.problems = compared.problems;
  path.summary = describePath(path, compared.service);
  return { path, undecided };
}

type FollowedClient = ClientPath & { ranges: Client['ranges'] };

function withoutRanges(client: FollowedClient): ClientPath {
  const { from, who, verdict, says, masqueraded, whyMasqueraded: why, shares, steps } = client;
  return { from, who, verdict, says, masqueraded, ...(why !== undefined && { whyMasqueraded: why }), shares, steps };
}

function plainRange(range: Client['ranges'][number]): string {
  return printRange(range).replace(/\/(32|128)$/, '');
}

function followClients(context: Context, frontend: Frontend, undecided: Set<string>): FollowedClient[] {
  const { rules, pods, objects } = context;
  const nodeText =
    objects?.nodeAddresses?.find((each) => each.includes(':') === (rules.family === '6')) ??
    rules.sets.get('nodeport-ips')?.elements[0];
  const node = nodeText === undefined ? undefined : parseRange(nodeText)?.first;
  return chooseClients(rules, frontend, pods, node).map((client) => {
    const found = followFrontend(rules, frontend, client, nodeText === undefined ? {} : { nodeAddress: nodeText });
    for (const text of found.undecided) undecided.add(text);
    return clientPath(context, frontend, client, found);
  });
}

function clientPath({ names, pods }: Context, frontend: Frontend, client: Client, found: Followed): FollowedClient {
  const reached = found.outcomes.filter(({ kind }) => kind === 'endpoint');
  const verdict = decideVerdict(found);
  const masqueraded = found.masqueraded > 0.5;
  const why = verdict === 'endpoints' ? whyMasqueraded(reached, masqueraded) : undefined;
  const shares = toShares(reached.map(({ address = '', port = 0, weight }) => ({ address, port, weight })));
  const path = {
    from: client.kind,
    who: describeClient(client, pods),
    verdict,
    masqueraded,
    ...(why !== undefined && { whyMasqueraded: why }),
    shares,
  };
  return {
    ...path,
    says: describeOutcome(path, frontend, found.outcomes),
    steps: found.steps.map(({ rule, weight }) => ({
      table: rule.table,
      chain: rule.chain,
      rule: rule.text,
      says: sayKubeRule(rule, names) ?? l10n.t('Another rule of kube-proxy’s.'),
      percent: Math.round(weight * 10000) / 100,
      ...(rule.counters && { counters: rule.counters }),
    })),
    ranges: client.ranges,
  };
}

function decideVerdict({ outcomes }: Followed): PathVerdict {
  const kinds = new Set(outcomes.map(({ kind }) => kind));
  if (kinds.has('endpoint')) return 'endpoints';
  if (kinds.has('reject')) return 'REJECT';
  return kinds.has('drop') ? 'DROP' : 'none';
}

/** One line per endpoint, in the order of the rules. */
function toShares(parts: { address: string; port: number; weight: number }[]): EndpointShare[] {
  const byEndpoint = new Map<string, { address: string; port: number; weight: number }>();
  for (const part of parts) {
    const key = `${part.address} ${part.port}`;
    const known = byEndpoint.get(key);
    if (known) known.weight += part.weight;
    else byEndpoint.set(key, { ...part });
  }
  const list = [...byEndpoint.values()];
  const percents = sharesInPercent(
    list.map(({ weight }) => weight),
    list.length > 50 ? 4 : 2,
  );
  return list.map(({ address, port }, at) => ({ address, port, percent: percents[at]! }));
}

// ---- what the rules hold of a Service besides its ways ------------------------------------------------------------

/** Chains of a Service, in the order of the rules. */
function ownChains({ chains }: KubeRuleset, names: KubeNames, service: ServicePortName): KubeRule[][] {
  const wanted = label(service);
  return [...chains.values()]
    .filter(({ name, rules }) => names.services.get(name) === wanted && isOfProtocol(name, rules, service.protocol))
    .map(({ rules }) => rules);
}

/** Two ports of one Service may have one name in rules of iptables (`dns` over UDP and TCP have two): told apart by `-p`. */
function isOfProtocol(chain: string, rules: KubeRule[], protocol: string): boolean {
  if (chain.includes('/')) return chain.includes(`/${protocol}/`);
  const told = rules.flatMap(({ conditions }) =>
    conditions.flatMap((each) => (each.kind === 'protocol' ? each.names : [])),
  );
  return told.length === 0 || told.includes(protocol);
}

function findAffinity(rules: KubeRuleset, names: KubeNames, service: ServicePortName): ServicePath['affinity'] {
  for (const chain of ownChains(rules, names, service))
    for (const { conditions } of chain)
      for (const condition of conditions)
        if (condition.kind === 'affinity') {
          const seconds = condition.seconds ?? rules.sets.get(condition.list)?.timeout;
          return seconds === undefined ? {} : { seconds };
        }
  return undefined;
}

function findHealthCheck({ chains }: KubeRuleset, { namespace, name }: ServicePortName): number | undefined {
  for (const rule of chains.get('filter KUBE-NODEPORTS')?.rules ?? []) {
    const said = serviceOfComment(rule.comment ?? '');
    if (said?.namespace !== namespace || said.name !== name || !rule.comment?.includes('health check')) continue;
    for (const condition of rule.conditions) if (condition.kind === 'port') return condition.ports[0]?.[0];
  }
  return undefined;
}

/** Every endpoint that any of the Service's chains leads to, with its part of what pods send to the cluster IP. */
function endpointsInRules({ rules, names }: Context, service: ServicePortName, { frontends }: ServicePath) {
  const main = frontends.find(({ kind }) => kind === 'cluster-ip') ?? frontends[0];
  const shares = new Map(main?.clients[0]?.shares.map((share) => [`${share.address} ${share.port}`, share.percent]));
  const found = new Map<string, { address: string; port: number; percent: number; hairpin: boolean }>();
  for (const { clients } of frontends)
    for (const client of clients)
      for (const { address, port } of client.shares)
        found.set(`${address} ${port}`, {
          address,
          port,
          percent: shares.get(`${address} ${port}`) ?? 0,
          hairpin: false,
        });
  for (const chain of ownChains(rules, names, service)) {
    const dnat = chain.flatMap(({ actions }) => actions).find((action) => action.kind === 'dnat');
    if (!dnat) continue;
    const key = `${dnat.address} ${dnat.port}`;
    const own = parseRange(dnat.address)?.first;
    const hairpin = chain.some(
      ({ conditions, actions }) =>
        actions.some(({ kind }) => kind === 'jump' || kind === 'goto') &&
        conditions.some(
          (each) =>
            each.kind === 'source' &&
            own !== undefined &&
            each.ranges.some(({ first, last }) => own >= first && own <= last),
        ),
    );
    found.set(key, { address: dnat.address, port: dnat.port, percent: shares.get(key) ?? 0, hairpin });
  }
  return [...found.values()];
}
