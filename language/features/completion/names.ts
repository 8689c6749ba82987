/** What things are called in the workspace and in the cluster below it, asked for one kind of name at a time. */
import * as l10n from '@vscode/l10n';
import { harmlessData } from '../../../mesh/harmless-text.ts';
import { findServiceOf, fullHost, hostCovers } from '../../hosts.ts';
import type { Kind } from '../../kinds.ts';
import { podTemplatePaths } from '../../kinds.ts';
import { findPodSource } from '../../resource.ts';
import type { Resource } from '../../resource.ts';

/** A resource, and where it is from. */
export interface Known {
  resource: Resource;
  uri: string;
  isCluster: boolean;
}

/** One name to choose. */
export interface Name {
  name: string;
  /** `file shop/reviews.yaml`, `cluster kind-mesh`, `cluster kind-mesh, as of 12:03`. */
  from: string;
  /** More to say, e.g. a port's name. */
  about?: string;
}

/** What a cluster is called, and when it was last seen; live without `asOf`. */
export interface ClusterOfNames {
  name: string;
  asOf?: number;
}

export class Names {
  private readonly byKind = new Map<Kind, Known[]>();
  private readonly cluster: ClusterOfNames | undefined;
  private readonly clusterDomain: string;

  constructor(known: Iterable<Known>, cluster: ClusterOfNames | undefined, clusterDomain = 'cluster.local') {
    this.cluster = cluster;
    this.clusterDomain = clusterDomain;
    for (const each of known) {
      const list = this.byKind.get(each.resource.kind);
      if (list) list.push(each);
      else this.byKind.set(each.resource.kind, [each]);
    }
  }

  /** Hosts of Services and ServiceEntries, short where the namespace is the same. */
  hosts(namespace: string): Name[] {
    const services = this.of('Service').map((known) => {
      const { name, namespace: own } = known.resource;
      return this.nameOf(known, own === namespace ? name : `${name}.${own}.svc.${this.clusterDomain}`, 'Service');
    });
    return unique([...services, ...this.entryHosts()]);
  }

  /** As a Sidecar's egress writes them: `shop/reviews.shop.svc.cluster.local`, `./*`. */
  egressHosts(namespace: string): Name[] {
    const services = this.of('Service').map((known) => {
      const { name, namespace: own } = known.resource;
      return this.nameOf(known, `${own === namespace ? '.' : own}/${name}.${own}.svc.${this.clusterDomain}`);
    });
    const entries = this.of('ServiceEntry').flatMap((known) =>
      hostsOf(known.resource).map((host) => this.nameOf(known, `${known.resource.namespace}/${host}`)),
    );
    const all = this.namespaces().map(({ name, from }) => ({ name: `${name}/*`, from }));
    return unique([...fixed('./*', '*/*', '~/*'), ...services, ...entries, ...all]);
  }

  /** The ports of a host, as a resource in this namespace writes it. */
  ports(host: string, namespace: string): Name[] {
    const full = fullHost(host, namespace, this.clusterDomain);
    const service = findServiceOf(full, this.clusterDomain);
    const found = service
      ? this.of('Service').filter(
          ({ resource }) => resource.name === service.name && resource.namespace === service.namespace,
        )
      : this.of('ServiceEntry').filter(({ resource }) => hostsOf(resource).some((each) => hostCovers(each, full)));
    return unique(found.flatMap((known) => this.portsOf(known)));
  }

  subsets(host: string, namespace: string): Name[] {
    const full = fullHost(host, namespace, this.clusterDomain);
    return unique(
      this.of('DestinationRule').flatMap((known) => {
        const own = known.resource.spec.at('host').string ?? '';
        if (!hostCovers(fullHost(own, known.resource.namespace, this.clusterDomain), full)) return [];
        return known.resource.spec.at('subsets').items.flatMap((subset) => {
          const name = subset.at('name').string;
          const labels = Object.entries(subset.at('labels').strings).map(([key, value]) => `${key}=${value}`);
          return name ? [this.nameOf(known, name, labels.join(', '))] : [];
        });
      }),
    );
  }

  gateways(namespace: string): Name[] {
    return unique([
      ...this.of('Gateway').map((known) => {
        const { name, namespace: own } = known.resource;
        return this.nameOf(known, own === namespace ? name : `${own}/${name}`, 'Gateway');
      }),
      ...fixed('mesh'),
    ]);
  }

  /** Namespaces that are there as objects, and those that resources stand in. */
  namespaces(): Name[] {
    const objects = this.of('Namespace').map((known) => this.nameOf(known, known.resource.name));
    const used = [...this.byKind.values()].flat().filter(({ resource }) => resource.namespace !== '');
    return unique([...objects, ...used.map((known) => this.nameOf(known, known.resource.namespace))]);
  }

  /** What `istio.io/rev` may say: revisions and tags of the injectors, and of control planes that are seen running. */
  revisions(): Name[] {
    const webhooks = this.of('MutatingWebhookConfiguration').flatMap((known) => {
      const { 'istio.io/rev': rev, 'istio.io/tag': tag } = known.resource.metadata.at('labels').strings;
      return [
        ...(tag ? [this.nameOf(known, tag, rev ? l10n.t('tag of revision {0}', rev) : '')] : []),
        ...(rev ? [this.nameOf(known, rev, l10n.t('revision'))] : []),
      ];
    });
    const planes = this.pods().flatMap((known) => {
      const { app, 'istio.io/rev': rev } = labelsOf(known.resource);
      return app === 'istiod' && rev ? [this.nameOf(known, rev, l10n.t('revision'))] : [];
    });
    return unique([...webhooks, ...planes]);
  }

  /** Keys of the labels of pods. @param namespace empty: of all namespaces. */
  labelKeys(namespace: string): Name[] {
    return unique(
      this.podsIn(namespace).flatMap((known) =>
        Object.keys(labelsOf(known.resource)).map((key) => this.nameOf(known, key)),
      ),
    ).filter(({ name }) => !/^(?:pod-template-hash|controller-revision-hash|pod-template-generation)$/.test(name));
  }

  labelValues(key: string, namespace: string): Name[] {
    return unique(
      this.podsIn(namespace).flatMap((known) => {
        const value = labelsOf(known.resource)[key];
        return value === undefined ? [] : [this.nameOf(known, value)];
      }),
    );
  }

  /** Secrets that a gateway could use. */
  credentials(namespace: string): Name[] {
    const inNamespace = this.of('Secret').filter(({ resource }) => resource.namespace === namespace);
    const secrets = inNamespace.length > 0 ? inNamespace : this.of('Secret');
    return unique(
      secrets
        .filter(
          ({ resource }) =>
            !/^(?:helm\.sh|kubernetes\.io\/(?:service-account|docker))/.test(resource.root.at('type').string ?? ''),
        )
        .map((known) => this.nameOf(known, known.resource.name, known.resource.root.at('type').string ?? 'Secret')),
    );
  }

  /** As policies write them: `cluster.local/ns/shop/sa/reviews`. */
  principals(): Name[] {
    return this.accounts().map(({ namespace, name, from }) => ({
      name: `${this.clusterDomain}/ns/${namespace}/sa/${name}`,
      from,
    }));
  }

  /** `shop/reviews`, or the name alone in the same namespace. */
  serviceAccounts(namespace: string, isQualified: boolean): Name[] {
    const accounts = this.accounts();
    if (isQualified)
      return accounts.map((account) => ({
        name: account.namespace === namespace ? account.name : `${account.namespace}/${account.name}`,
        from: account.from,
      }));
    return accounts.filter((account) => account.namespace === namespace).map(({ name, from }) => ({ name, from }));
  }

  /** Objects of a kind in a namespace. */
  objects(kind: Kind, namespace: string): Name[] {
    return unique(
      this.of(kind)
        .filter(({ resource }) => resource.namespace === namespace)
        .map((known) => this.nameOf(known, known.resource.name)),
    );
  }

  private accounts(): { namespace: string; name: string; from: string }[] {
    const found = new Map<string, { namespace: string; name: string; from: string }>();
    const add = (known: Known, name: string) => {
      const { namespace } = known.resource;
      const key = `${namespace}/${name}`;
      if (!found.has(key)) found.set(key, { namespace, name, from: this.fromOf(known) });
    };
    for (const known of this.of('ServiceAccount')) add(known, known.resource.name);
    for (const known of this.pods()) add(known, factsOf(known.resource).account);
    return [...found.values()];
  }

  private entryHosts(): Name[] {
    return this.of('ServiceEntry').flatMap((known) =>
      hostsOf(known.resource).map((host) => this.nameOf(known, host, 'ServiceEntry')),
    );
  }

  private portsOf(known: Known): Name[] {
    return known.resource.spec.at('ports').items.flatMap((port) => {
      const number = port.at('port').number ?? port.at('number').number;
      const name = port.at('name').string;
      return number === undefined ? [] : [this.nameOf(known, String(number), name)];
    });
  }

  private pods(): Known[] {
    return (Object.keys(podTemplatePaths) as Kind[]).flatMap((kind) => this.of(kind));
  }

  private podsIn(namespace: string): Known[] {
    const pods = this.pods();
    const own = namespace === '' ? pods : pods.filter(({ resource }) => resource.namespace === namespace);
    return own.length > 0 ? own : pods;
  }

  private of(kind: Kind): Known[] {
    return (this.byKind.get(kind) ?? []).filter(({ resource }) => resource.name !== '');
  }

  private nameOf(known: Known, name: string, about?: string): Name {
    return { name, from: this.fromOf(known), ...(about && { about }) };
  }

  private fromOf({ uri, isCluster }: Known): string {
    if (!isCluster) return l10n.t('file {0}', decodeURIComponent(uri.slice(uri.lastIndexOf('/') + 1)));
    const { name = '', asOf } = this.cluster ?? {};
    return asOf === undefined ? l10n.t('cluster {0}', name) : l10n.t('cluster {0}, as of {1}', name, clockTime(asOf));
  }
}

/** `12:03` */
function clockTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
}

function fixed(...names: string[]): Name[] {
  return names.map((name) => ({ name, from: l10n.t('of Istio') }));
}

/** The first of each name: what stands in files comes first. What hides something in itself is no name. */
function unique(names: readonly Name[]): Name[] {
  const found = new Map<string, Name>();
  for (const name of names)
    if (!found.has(name.name) && harmlessData(name.name) === name.name) found.set(name.name, name);
  return [...found.values()];
}

function hostsOf(resource: Resource): string[] {
  return resource.spec.at('hosts').items.flatMap((host) => host.string ?? []);
}

interface PodFacts {
  labels: Record<string, string>;
  account: string;
}

/** A resource never changes; what is read of it is read once. */
const facts = new WeakMap<Resource, PodFacts>();

function factsOf(resource: Resource): PodFacts {
  let known = facts.get(resource);
  if (!known) {
    const pod = findPodSource(resource);
    known = {
      labels: pod?.metadata.at('labels').strings ?? {},
      account: pod?.spec.at('serviceAccountName').string ?? 'default',
    };
    facts.set(resource, known);
  }
  return known;
}

function labelsOf(resource: Resource): Record<string, string> {
  return factsOf(resource).labels;
}
