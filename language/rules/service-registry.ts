import { hostCovers } from '../hosts.ts';
import type { Located } from '../located.ts';
import type { Resource } from '../resource.ts';
import { rememberPerResource } from '../remember.ts';
import type { RuleContext } from '../rule.ts';

/** What answers to a host, with the ports it is known to have. */
export interface RegistryEntry {
  resource: Resource;
  /** Empty when they cannot be told, e.g. of a headless Service without ports. */
  ports: { number: number; at: Located }[];
}

const servicePorts = rememberPerResource(({ spec }) => portsOf(spec, 'port'));
const entryPorts = rememberPerResource(({ spec }) => portsOf(spec, 'number'));

/** Services and ServiceEntries by host, as a client in a namespace sees them. */
export class ServiceRegistry {
  private readonly exact = new Map<string, RegistryEntry[]>();
  private readonly wildcards: { host: string; entry: RegistryEntry }[] = [];

  constructor(services: readonly Resource[], serviceEntries: readonly Resource[], { clusterDomain }: RuleContext) {
    for (const service of services) {
      this.add(`${service.name}.${service.namespace}.svc.${clusterDomain}`, {
        resource: service,
        ports: servicePorts(service, clusterDomain),
      });
    }
    for (const resource of serviceEntries) {
      const ports = entryPorts(resource, clusterDomain);
      for (const { string: host } of resource.spec.at('hosts').items) if (host) this.add(host, { resource, ports });
    }
  }

  /** The first that answers to a host and lets this namespace see it. */
  find(host: string, namespace: string): RegistryEntry | undefined {
    const candidates = [
      ...(this.exact.get(host) ?? []),
      ...this.wildcards
        .filter((wildcard) => hostCovers(wildcard.host, host) || hostCovers(host, wildcard.host))
        .map(({ entry }) => entry),
    ];
    return candidates.find(({ resource }) => isExportedTo(resource, namespace));
  }

  private add(host: string, entry: RegistryEntry): void {
    if (host.startsWith('*')) this.wildcards.push({ host, entry });
    else if (this.exact.has(host)) this.exact.get(host)!.push(entry);
    else this.exact.set(host, [entry]);
  }
}

function portsOf(spec: Located, field: string): RegistryEntry['ports'] {
  return spec.at('ports').items.flatMap((port) => {
    const at = port.at(field);
    return at.number === undefined ? [] : [{ number: at.number, at }];
  });
}

/** A Service says it in an annotation, a ServiceEntry in a field; nothing said is everybody. */
function isExportedTo({ kind, spec, metadata, namespace: own }: Resource, namespace: string): boolean {
  const scopes =
    kind === 'Service'
      ? (metadata.at('annotations', 'networking.istio.io/exportTo').string ?? '')
          .split(',')
          .map((scope) => scope.trim())
      : spec.at('exportTo').items.map(({ string }) => string ?? '');
  const said = scopes.filter(Boolean);
  return (
    said.length === 0 ||
    said.some((scope) => scope === '*' || scope === namespace || (scope === '.' && own === namespace))
  );
}
