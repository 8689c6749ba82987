import * as vscode from 'vscode';
import type { App } from '../app.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import type { ServiceObject } from '../../mesh/service-path/service-objects.ts';
import { ClusterFailure, resourceTypes, type Cluster } from '../cluster/cluster.ts';
import { chooseObject, podsOf } from './pick-target.ts';
import { notThere, ownerOf, scopeOf, type ObjectReference, type TreeTarget } from './pod-targets.ts';
import type { ForwardTarget, PortForward } from './port-forward.ts';
import { addressOf, listForwards, openInBrowser, startForward, stopForward } from './port-forwards.ts';
import { pick } from '../pick.ts';

/** What the caller has decided already; the rest is asked. `localPort` 0: any that is free. */
export interface PortChoice {
  port?: number | string;
  localPort?: number;
}

/** Forwards a port of this machine to a pod, a workload or a Service. @returns undefined: Escape. */
export async function forwardPort(
  app: App,
  target: (TreeTarget & { forward?: PortChoice }) | undefined,
): Promise<PortForward | undefined> {
  const cluster = await app.clusters.connect();
  const object = await chooseForwardable(cluster, target);
  if (!object) return undefined;
  const given = target?.forward?.port;
  const port = given === undefined ? await pickPort(cluster, object) : await portInPods(cluster, object, given);
  if (port === undefined) return undefined;
  const localPort = target?.forward?.localPort ?? (await askLocalPort(port));
  if (localPort === undefined) return undefined;
  const forwardTarget = await makeTarget(cluster, object, port);
  const forward = await startOrExplain(app, cluster, forwardTarget, localPort);
  if (target?.forward === undefined) void tell(app, forward, cluster.context.name);
  return forward;
}

/**
 * A Service's port, by its name or number, is one of its pods' under another number or name; what is none of its ports is
 * taken as one of its pods'. A headless Service's is looked up, too, although kubectl takes its number as it is: nobody would
 * answer there.
 */
async function portInPods(cluster: Cluster, object: ObjectReference, port: number | string): Promise<number | string> {
  if (object.kind !== 'Service') return port;
  const ports = await tcpPortsOf(cluster, object);
  const found = ports.find(({ name, port: own }) => name === port || own === port);
  return found ? (found.targetPort ?? found.port) : port;
}

/** A pod of a workload stands for the workload: when it goes, the next one takes over. */
async function makeTarget(cluster: Cluster, object: ObjectReference, port: number | string): Promise<ForwardTarget> {
  const label = `${object.kind} ${object.namespace}/${object.name}`;
  if (object.kind !== 'Pod') return { label, port, scope: await scopeOf(cluster, object) };
  const pod = await cluster.get<Pod>(resourceTypes.pods, object.name, { namespace: object.namespace });
  if (!pod) throw notThere(cluster, object);
  const owner = await ownerOf(cluster, pod);
  const alone = { label, port, scope: { namespace: object.namespace, name: object.name }, prefer: object.name };
  if (!owner) return alone;
  try {
    const scope = await scopeOf(cluster, owner);
    return { label: `${owner.kind} ${owner.namespace}/${owner.name}`, port, scope, prefer: object.name };
  } catch (error) {
    // A kind of its own, or one that may not be read: the pod alone, then.
    if (error instanceof ClusterFailure) return alone;
    throw error;
  }
}

/** Forwards. @throws an error that says why the port of this machine cannot be had. */
export async function startOrExplain(
  app: App,
  cluster: Cluster,
  target: ForwardTarget,
  localPort: number,
): Promise<PortForward> {
  try {
    return await startForward(app, cluster, target, localPort);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    throw new Error(
      code === 'EADDRINUSE'
        ? describeTaken(localPort)
        : vscode.l10n.t('Port {0} of this machine is for administrators only: choose one above 1023.', localPort),
      { cause: error },
    );
  }
}

function describeTaken(localPort: number): string {
  const ours = listForwards().find((forward) => forward.localPort === localPort);
  return ours
    ? vscode.l10n.t(
        'Port {0} of this machine leads to {1} already: choose another, or stop that one with “Mesh: Forwarded Ports”.',
        localPort,
        ours.target.label,
      )
    : vscode.l10n.t(
        'Port {0} of this machine is taken by another program: forward again and leave the port empty, or choose another.',
        localPort,
      );
}

async function tell(app: App, forward: PortForward, context: string): Promise<void> {
  const openIt = vscode.l10n.t('Open in Browser');
  const stop = vscode.l10n.t('Stop');
  const picked = await vscode.window.showInformationMessage(
    vscode.l10n.t(
      '{0} leads to port {1} of {2} in “{3}”.',
      addressOf(forward),
      forward.target.port,
      forward.target.label,
      context,
    ),
    openIt,
    stop,
  );
  if (picked === openIt) await openInBrowser(forward);
  if (picked === stop) stopForward(app, forward);
}

async function chooseForwardable(
  cluster: Cluster,
  target: TreeTarget | undefined,
): Promise<ObjectReference | undefined> {
  if (target?.kind !== undefined || target?.id !== undefined)
    return await chooseObject(cluster, target, vscode.l10n.t('Pod to forward a port to'));
  const [services, pods] = await Promise.all([
    cluster.list<ServiceObject>(resourceTypes.services).then(
      ({ items }) => items,
      () => [],
    ),
    cluster.list<Pod>(resourceTypes.pods).then(({ items }) => items),
  ]);
  const items = [
    ...services.map((object) => ({ object, kind: 'Service' })),
    ...pods.map((object) => ({ object, kind: 'Pod' })),
  ]
    .map(({ object: { metadata }, kind }) => ({
      icon: kind === 'Service' ? 'references' : 'circle-outline',
      label: metadata?.name ?? '',
      description: `${kind} · ${metadata?.namespace ?? ''}`,
      reference: { kind, namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' },
    }))
    .sort((a, b) => a.description.localeCompare(b.description) || a.label.localeCompare(b.label));
  const picked = await pick(items, {
    title: vscode.l10n.t('Services and pods of cluster {0}', cluster.context.name),
    placeHolder: vscode.l10n.t('Service or pod to forward a port to'),
    matchOnDescription: true,
  });
  return picked?.reference;
}

type PortItem = vscode.QuickPickItem & { port: number | string | undefined };

async function pickPort(cluster: Cluster, object: ObjectReference): Promise<number | string | undefined> {
  const known = object.kind === 'Service' ? await servicePorts(cluster, object) : await containerPorts(cluster, object);
  if (known.length === 1) return known[0]?.port;
  const other: PortItem = { label: vscode.l10n.t('Another port…'), port: undefined };
  const picked = await pick<PortItem>([...known, other], {
    title: vscode.l10n.t('Ports of {0} {1}', object.kind, object.name),
    placeHolder: vscode.l10n.t('Port to forward to'),
  });
  if (picked !== other) return picked?.port;
  const typed = await vscode.window.showInputBox({
    title: vscode.l10n.t('Port in the pod'),
    validateInput: (text) => (isPort(text) ? undefined : vscode.l10n.t('A number from 1 to 65535')),
  });
  return typed === undefined ? undefined : Number(typed);
}

interface ServicePort {
  name?: string;
  port: number;
  targetPort?: number | string;
  protocol?: string;
}

async function servicePorts(cluster: Cluster, object: ObjectReference): Promise<PortItem[]> {
  return (await tcpPortsOf(cluster, object)).map(({ name, port, targetPort }) => ({
    label: String(port),
    description: [name, vscode.l10n.t('port {0} in the pod', targetPort ?? port)].filter(Boolean).join(' · '),
    port: targetPort ?? port,
  }));
}

async function tcpPortsOf(cluster: Cluster, object: ObjectReference): Promise<ServicePort[]> {
  const service = await cluster.get<ServiceObject>(resourceTypes.services, object.name, {
    namespace: object.namespace,
  });
  if (!service) throw notThere(cluster, object);
  const ports = (service.spec?.ports ?? []) as ServicePort[];
  return ports.filter(({ protocol = 'TCP' }) => protocol === 'TCP');
}

async function containerPorts(cluster: Cluster, object: ObjectReference): Promise<PortItem[]> {
  const [pod] = await podsOf(cluster, object);
  const all = [...(pod?.spec?.containers ?? []), ...(pod?.spec?.initContainers ?? [])];
  const items = all.flatMap(({ name: container, ports = [] }) =>
    ports
      .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
      .map(({ name, containerPort }) => ({
        label: String(containerPort),
        description: [name, container].filter(Boolean).join(' · '),
        port: containerPort,
      })),
  );
  return items.filter(({ port }, index) => items.findIndex((item) => item.port === port) === index);
}

async function askLocalPort(port: number | string): Promise<number | undefined> {
  const typed = await vscode.window.showInputBox({
    title: vscode.l10n.t('Port on this machine'),
    prompt: vscode.l10n.t('It listens on 127.0.0.1 only. Leave it empty for any port that is free.'),
    value: typeof port === 'number' && port > 1023 ? String(port) : '',
    validateInput: (text) => (text === '' || isPort(text) ? undefined : vscode.l10n.t('A number from 1 to 65535')),
  });
  return typed === undefined ? undefined : Number(typed);
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}
