import * as l10n from '@vscode/l10n';
import { isIP } from 'node:net';
import { parse } from '../language/index.ts';
import { computeServicePaths } from '../mesh/service-path/compute-service-paths.ts';
import type { ObjectInputs } from '../mesh/service-path/compare-with-objects.ts';
import { label, printEndpoint } from '../mesh/service-path/kube-names.ts';
import type {
  ClientPath,
  EndpointOnNode,
  FrontendPath,
  ServicePath,
  ServicePaths,
  ServiceQuery,
} from '../mesh/service-path/service-path.ts';
import type { EndpointSliceObject, ServiceObject } from '../mesh/service-path/service-objects.ts';
import { oneOf, readFlags } from './flags.ts';
import { familyOf, readText, UnreadableInput } from './read-pod.ts';
import { UsageError } from './verb.ts';
import type { Terminal, Verb } from './verb.ts';

export const iptablesService: Verb = {
  name: ['iptables', 'service'],
  get summary() {
    return l10n.t(
      'follow connections to a Service through the rules of a node: which endpoint gets how many, and who is masqueraded',
    );
  },
  get help() {
    return l10n.t(`Usage: meshloom iptables service [--service NS/NAME[:PORT] | --address IP --port N] [FLAGS] [RULES|-]

Reads a node's rules from RULES or standard input (iptables-save -c, nft list table ip kube-proxy, nft -j list ruleset, ...)
and says what kube-proxy's rules do there with connections to a Service: by each of its addresses, for pods, for the node
itself and for clients outside. Without --service and --address: every Service that the rules know.

  --service NS/NAME[:PORT]   the Service, and the name or number of one of its ports
  --address IP               or an address as a client would use it: cluster IP, external IP, the node's own for a node port
  --port N                   with --address: the port
  --proto tcp|udp|sctp       only this protocol
  --family 4|6               only this family
  --services FILE            Services and EndpointSlices, to compare: kubectl get service,endpointslice -A -o yaml
  --node NAME                the node that the rules are from: what a Local traffic policy leaves out is not missing then
  --format text|json         text for people (default), json for programs
  -h, --help                 this text

Exit: 0 found, 1 rules and objects disagree (endpoints missing or stale), 2 it could not tell.

Example: iptables-save -c | meshloom iptables service --service shop/reviews:http`);
  },
  run: service,
};

async function service(terminal: Terminal): Promise<number> {
  const { values, positionals } = readFlags(terminal.args, {
    format: { type: 'string', default: 'text' },
    service: { type: 'string' },
    address: { type: 'string' },
    port: { type: 'string' },
    proto: { type: 'string' },
    family: { type: 'string' },
    services: { type: 'string' },
    node: { type: 'string' },
  });
  const format = oneOf('--format', values.format, ['text', 'json'] as const);
  const query = readQuery(values);
  if (positionals.length > 1)
    throw new UsageError(l10n.t('One file at a time, not {0}: {1}.', positionals.length, positionals.join(', ')));
  const [rules] = positionals;
  if (values.services === '-' && (rules === undefined || rules === '-'))
    throw new UsageError(l10n.t('Only one of rules and Services can come from standard input.'));
  try {
    const objects =
      values.services === undefined
        ? undefined
        : readServiceObjects(await readText(values.services, terminal), values.services, values.node);
    const found = computeServicePaths([await readText(rules, terminal)], query, objects);
    for (const warning of found.warnings) terminal.err(`${l10n.t('warning: {0}', warning)}\n`);
    if (format === 'json') terminal.out(`${JSON.stringify(asContract(found), null, 2)}\n`);
    else if (found.paths.length > 0) terminal.out(printPaths(found, terminal.color));
    if (found.whyNone !== undefined) terminal.err(`${found.whyNone}\n`);
    if (found.paths.length === 0) return 2;
    return found.paths.some(({ problems }) => problems.some(({ severity }) => severity === 'error')) ? 1 : 0;
  } catch (error) {
    if (!(error instanceof UnreadableInput)) throw error;
    terminal.err(`${error.message}\n`);
    return 2;
  }
}

interface QueryFlags {
  service?: string | undefined;
  address?: string | undefined;
  port?: string | undefined;
  proto?: string | undefined;
  family?: string | undefined;
}

function readQuery({ service: named, address, port, proto, family: written }: QueryFlags): ServiceQuery {
  const query: ServiceQuery = {};
  const family = familyOf(written);
  if (family) query.family = family;
  if (proto !== undefined) query.protocol = oneOf('--proto', proto, ['tcp', 'udp', 'sctp'] as const);
  if (named !== undefined) {
    const [, namespace, name, servicePort] = /^([^/:]+)\/([^/:]+)(?::([^/:]+))?$/.exec(named) ?? [];
    if (namespace === undefined || name === undefined)
      throw new UsageError(l10n.t('{0} takes {1}, not "{2}".', '--service', 'NAMESPACE/NAME[:PORT]', named));
    Object.assign(query, { namespace, name, ...(servicePort !== undefined && { servicePort }) });
  }
  if (address !== undefined) {
    const bare = address.replace(/^\[(.*)\]$/, '$1');
    if (isIP(bare) === 0) throw new UsageError(l10n.t('{0} takes an IP address, not "{1}".', '--address', address));
    query.address = bare;
    if (port === undefined) throw new UsageError(l10n.t('{0} needs {1} too.', '--address', '--port'));
  }
  if (port !== undefined) {
    const number = /^\d+$/.test(port) ? Number(port) : Number.NaN;
    if (!(number >= 1 && number <= 65535))
      throw new UsageError(l10n.t('{0} takes a number from {1} to {2}, not "{3}".', '--port', '1', '65535', port));
    query.port = number;
  }
  return query;
}

/** Services and EndpointSlices of a manifest or a `List`; other kinds are passed over. */
function readServiceObjects(text: string, file: string, node: string | undefined): ObjectInputs {
  const { documents, skipped } = parse(text, file);
  const broken = documents
    .flatMap(({ problems }) => problems)
    .find(({ kind }) => kind === 'syntax' || kind === 'too-large');
  if (broken) {
    const { line, character } = broken.at.mark.start;
    throw new UnreadableInput(`${file}:${line + 1}:${character + 1}: ${broken.message}`);
  }
  const why = skipped ?? documents.find((document) => document.skipped)?.skipped;
  if (why !== undefined) throw new UnreadableInput(l10n.t('{0} is no manifest that can be read ({1}).', file, why));
  const objects = documents.flatMap(({ roots }) => roots.map((root) => root.toJSON())).flatMap(unwrap);
  const ofKind = <T>(kind: string) => objects.filter((object) => object.kind === kind) as T[];
  const found = { services: ofKind<ServiceObject>('Service'), slices: ofKind<EndpointSliceObject>('EndpointSlice') };
  if (found.services.length + found.slices.length === 0)
    throw new UnreadableInput(
      l10n.t(
        '{0} holds no Service and no EndpointSlice: kubectl get service,endpointslice -A -o yaml prints them.',
        file,
      ),
    );
  return { ...found, ...(node !== undefined && { node }) };
}

function unwrap(value: unknown): { kind?: unknown }[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('items' in value && Array.isArray(value.items)) return value.items.flatMap(unwrap);
  return [value];
}

/** The shape that other programs parse: it only grows. */
function asContract({ paths, warnings, whyNone }: ServicePaths): object {
  return { services: paths, warnings, ...(whyNone !== undefined && { why: whyNone }) };
}

// ---- text -----------------------------------------------------------------------------------------------------------

type Paint = (code: number, text: string) => string;

function printPaths({ paths }: ServicePaths, color: boolean): string {
  const paint: Paint = (code, text) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  return paths.map((path) => printPath(path, paint)).join('\n');
}

function printPath(path: ServicePath, paint: Paint): string {
  const head = `${label(path.service)} ${path.service.protocol.toUpperCase()} · IPv${path.family} · ${path.mode}`;
  const lines = [paint(1, head), path.summary];
  if (path.sourceRanges)
    lines.push(
      l10n.t(
        'Only clients in {0} may use its load balancer address (loadBalancerSourceRanges).',
        path.sourceRanges.join(', '),
      ),
    );
  if (path.healthCheckNodePort !== undefined)
    lines.push(l10n.t('Health check node port: {0}.', path.healthCheckNodePort));
  for (const { severity, message } of path.problems)
    lines.push(paint(severity === 'error' ? 31 : severity === 'warning' ? 33 : 2, `${severity}: ${message}`));
  if (path.endpoints.length > 0) lines.push('', ...printEndpoints(path.endpoints, paint));
  for (const frontend of path.frontends) lines.push('', ...printFrontend(frontend, paint));
  return `${lines.join('\n')}\n`;
}

function printEndpoints(endpoints: EndpointOnNode[], paint: Paint): string[] {
  const width = Math.max(...endpoints.map((each) => printEndpoint(each).length));
  return endpoints.map((each) => {
    const good = each.standing === 'used' || each.standing === 'unknown';
    const where = [each.pod, each.node].filter((part) => part !== undefined).join(' · ');
    const share = good ? `${each.percent.toFixed(2).padStart(6)} %` : '       –';
    return `  ${paint(good ? 32 : each.standing === 'missing' || each.standing === 'stale' ? 31 : 33, printEndpoint(each).padEnd(width))}  ${share}  ${[where, each.says].filter(Boolean).join('  ')}`;
  });
}

function printFrontend({ kind, address, port, clients }: FrontendPath, paint: Paint): string[] {
  const names = {
    'cluster-ip': l10n.t('cluster IP'),
    'external-ip': l10n.t('external IP'),
    'load-balancer': l10n.t('load balancer'),
    'node-port': l10n.t('node port'),
  };
  const place = address === '' ? String(port) : printEndpoint({ address, port });
  return [paint(36, `${names[kind]} ${place}`), ...groupAlike(clients).flatMap((group) => printClients(group, paint))];
}

/** Clients whose connections take the very same way are told once. */
function groupAlike(clients: ClientPath[]): ClientPath[][] {
  const groups = new Map<string, ClientPath[]>();
  for (const client of clients) {
    const key = JSON.stringify([
      client.says,
      client.whyMasqueraded,
      client.steps.map(({ chain, rule, percent }) => [chain, rule, percent]),
    ]);
    groups.set(key, [...(groups.get(key) ?? []), client]);
  }
  return [...groups.values()];
}

const mostSteps = 40;

function printClients(group: ClientPath[], paint: Paint): string[] {
  const [first] = group;
  if (!first) return [];
  const lines = [`  ${l10n.t('From {0}:', group.map(({ who }) => who).join('; '))} ${first.says}`];
  if (first.whyMasqueraded !== undefined) lines.push(`    ${paint(2, first.whyMasqueraded)}`);
  for (const { percent, rule, says } of first.steps.slice(0, mostSteps))
    lines.push(`    ${`${String(percent)} %`.padStart(8)}  ${paint(32, rule)}`, `              ${says}`);
  if (first.steps.length > mostSteps)
    lines.push(`    ${l10n.t('… {0} more rules; --format json has them all.', first.steps.length - mostSteps)}`);
  return lines;
}
