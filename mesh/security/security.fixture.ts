import type { Container, Namespace, Pod } from '../kubernetes.ts';
import type { ServiceObject } from '../service-path/service-objects.ts';
import { explainMtls } from './explain-mtls.ts';
import type { MtlsExplanation, MtlsSubject } from './explain-mtls.ts';
import type { DestinationRule, MeshPod, PeerAuthentication, SecurityWorld, Standing } from './security-objects.ts';

/** The tests' short hand: objects as they lie in a cluster. */

export function pa(
  name: string,
  spec: PeerAuthentication['spec'],
  namespace = 'shop',
  created?: string,
): PeerAuthentication {
  return {
    kind: 'PeerAuthentication',
    metadata: { name, namespace, ...(created && { creationTimestamp: created }) },
    ...(spec && { spec }),
  };
}

export function dr(name: string, spec: NonNullable<DestinationRule['spec']>, namespace = 'shop'): DestinationRule {
  return { kind: 'DestinationRule', metadata: { name, namespace }, spec };
}

export function meshPod(
  name: string,
  {
    namespace = 'shop',
    standing = 'sidecar',
    annotations = {},
    container = {},
    labels = { app: name },
  }: {
    namespace?: string;
    standing?: Standing;
    annotations?: Record<string, string>;
    container?: Partial<Container> & Record<string, unknown>;
    labels?: Record<string, string>;
  } = {},
): MeshPod {
  const pod: Pod = {
    metadata: { name: `${name}-1`, namespace, labels, annotations },
    spec: { containers: [{ name: 'app', ports: [{ name: 'http', containerPort: 8080 }], ...container }] },
  };
  return { pod, standing, why: `${name} is a ${standing}`, owner: { kind: 'Deployment', name } };
}

export function service(name: string, spec: ServiceObject['spec'] = {}, namespace = 'shop'): ServiceObject {
  return {
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
  };
}

export function world(parts: Partial<SecurityWorld>): SecurityWorld {
  const names = new Set([...(parts.pods ?? []).map(({ pod }) => pod.metadata?.namespace ?? ''), 'shop']);
  return {
    pods: [],
    services: [],
    namespaces: [...names].map((name): Namespace => ({ metadata: { name } })),
    peerAuthentications: [],
    destinationRules: [],
    rootNamespace: 'istio-system',
    clusterDomain: 'cluster.local',
    ...parts,
  };
}

export function explained(subject: MtlsSubject, parts: Partial<SecurityWorld>): MtlsExplanation {
  const explanation = explainMtls(subject, world(parts));
  if (!explanation) throw new Error(`there is no ${subject.kind} ${subject.namespace}/${subject.name}`);
  return explanation;
}
