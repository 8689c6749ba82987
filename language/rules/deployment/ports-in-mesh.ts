import { findPodSource } from '../../resource.ts';
import type { Resource } from '../../resource.ts';
import { isInMesh, namespacesByName } from '../in-mesh.ts';
import { portsBefore, selectingServices, type ServicePort } from '../service-ports.ts';

/** The Deployments of the mesh that several Service ports lead to, each with those ports. */
export function* portsInMesh(resources: {
  Deployment: readonly Resource[];
  Service: readonly Resource[];
  Namespace: readonly Resource[];
}): Generator<{ deployment: Resource; ports: ServicePort[] }> {
  const services = selectingServices(resources.Service);
  const namespaces = namespacesByName(resources.Namespace);
  for (const deployment of resources.Deployment) {
    const pod = findPodSource(deployment);
    if (!pod || !isInMesh(pod, namespaces.get(deployment.namespace))) continue;
    const ports = portsBefore(pod, services);
    if (ports.length > 1) yield { deployment, ports };
  }
}
