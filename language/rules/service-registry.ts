import { hostCovers } from '../hosts.ts';
import type { Located } from '../located.ts';
import { lookUp } from '../lookup.ts';
import type { Lookup } from '../lookup.ts';
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

/** What the wildcards of ServiceEntries are found under: few, and each may take any host. */
const wildcard = '*';
const hostOfService = ({ name, namespace }: Resource, clusterDomain: string) => [
  `${name}.${namespace}.svc.${clusterDomain}`,
];
const hostsOf = ({ spec }: Resource) => spec.at('hosts').items.flatMap(({ string }) => (string ? [string] : []));
const hostsOfEntry = (entry: Resource) => hostsOf(entry).map((host) => (host.startsWith('*') ? wildcard : host));

/** Services and ServiceEntries by host, as a client in a namespace sees them. */
export class ServiceRegistry {
  private readonly services: Lookup<Resource>;
  private readonly entries: Lookup<Resource>;
  private readonly clusterDomain: string;

  constructor(services: readonly Resource[], serviceEntries: readonly Resource[], { clusterDomain }: RuleContext) {
    this.clusterDomain = clusterDomain;
    this.services = lookUp(services, hostOfService, { clusterDomain });
    this.entries = lookUp(serviceEntries, hostsOfEntry, { clusterDomain });
  }

  /** The first that answers to a host and lets this namespace see it. */
  find(host: string, namespace: string): RegistryEntry | undefined {
    return this.candidates(host).find(({ resource }) => isExportedTo(resource, namespace));
  }

  /** All that answer to a host and let this namespace see them: several ServiceEntries may share one. */
  all(host: string, namespace: string): RegistryEntry[] {
    return this.candidates(host).filter(({ resource }) => isExportedTo(resource, namespace));
  }

  /** What has exactly this host, but lets this namespace not see it; undefined when something else answers. */
  findHidden(host: string, namespace: string): RegistryEntry | undefined {
    return this.find(host, namespace) ? undefined : this.exact(host)[0];
  }

  private candidates(host: string): RegistryEntry[] {
    const wildcards = this.entries
      .get(wildcard)
      .filter((entry) =>
        hostsOf(entry).some((one) => one.startsWith('*') && (hostCovers(one, host) || hostCovers(host, one))),
      );
    return [...this.exact(host), ...wildcards.map((entry) => this.entryOf(entry))];
  }

  private exact(host: string): RegistryEntry[] {
    if (host.startsWith('*')) return [];
    return [...this.services.get(host), ...this.entries.get(host)].map((resource) => this.entryOf(resource));
  }

  private entryOf(resource: Resource): RegistryEntry {
    const portsOfKind = resource.kind === 'Service' ? servicePorts : entryPorts;
    return { resource, ports: portsOfKind(resource, this.clusterDomain) };
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
