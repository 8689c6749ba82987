import * as l10n from '@vscode/l10n';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse, parseYaml } from '../language/index.ts';
import type { ExpectedInputs, ServiceAddress } from '../mesh/interception/expected-rules.ts';
import type { ConfigMap, KubernetesObject, MutatingWebhookConfiguration, Namespace, Pod } from '../mesh/kubernetes.ts';
import { findNearMiss } from '../mesh/near-miss.ts';
import { UsageError } from './verb.ts';
import type { Terminal } from './verb.ts';

/** Flags of every verb that computes rules from a manifest. */
export const podFlags = {
  mode: { type: 'string' },
  'mesh-config': { type: 'string' },
  'namespace-labels': { type: 'string' },
  family: { type: 'string' },
} as const;

export interface PodFlags {
  mode?: string | undefined;
  'mesh-config'?: string | undefined;
  'namespace-labels'?: string | undefined;
}

/** What could not be used, and why: told on stderr, exit code 2. */
export class UnreadableInput extends Error {}

/** A file's text; standard input for `-` and for nothing. */
export async function readText(file: string | undefined, terminal: Terminal): Promise<string> {
  if (file === undefined || file === '-') return terminal.stdin();
  try {
    return await readFile(resolve(terminal.cwd, file), 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const why =
      code === 'ENOENT'
        ? l10n.t('there is no such file or directory')
        : error instanceof Error
          ? error.message
          : String(error);
    throw new UnreadableInput(l10n.t('Could not read {0}: {1}.', file, why));
  }
}

/**
 * The pod of a manifest with everything beside it that decides about its rules: Namespaces, injector webhooks and values,
 * mesh configuration, the address of the cluster's DNS.
 * @param wanted name of the pod or of the workload, `NAMESPACE/NAME` too; absent: the only one.
 */
export async function readPod(
  text: string,
  file: string,
  wanted: string | undefined,
  flags: PodFlags,
  terminal: Terminal,
): Promise<ExpectedInputs> {
  const objects = readObjects(text, file);
  const pod = choosePod(objects.flatMap(podOf), wanted, file);
  const ofKind = <T>(kind: string) => objects.filter((object) => object.kind === kind) as T[];
  const namespaceName = pod.metadata?.namespace ?? 'default';
  const namespace =
    ofKind<Namespace>('Namespace').find(({ metadata }) => metadata?.name === namespaceName) ??
    namespaceOfFlag(flags['namespace-labels'], namespaceName);
  const webhooks = ofKind<MutatingWebhookConfiguration>('MutatingWebhookConfiguration');
  const mesh = await findMeshConfig(ofKind<ConfigMap>('ConfigMap'), flags['mesh-config'], terminal);
  return {
    pod,
    configMaps: mesh.configMaps,
    services: ofKind<ServiceAddress>('Service'),
    meshConfig: mesh.meshConfig,
    parseYaml: (yaml: string) => parseYaml(yaml) as unknown,
    ...(namespace && { namespace }),
    ...(webhooks.length > 0 && { webhooks }),
    ...(flags.mode !== undefined && { mode: modeOf(flags.mode) }),
  };
}

function modeOf(mode: string): 'init' | 'cni' {
  if (mode === 'init' || mode === 'cni') return mode;
  throw new UsageError(l10n.t('{0} takes {1}, not "{2}".', '--mode', 'init, cni', mode));
}

export function familyOf(family: string | undefined): '4' | '6' | undefined {
  if (family === undefined || family === '4' || family === '6') return family;
  throw new UsageError(l10n.t('{0} takes {1}, not "{2}".', '--family', '4, 6', family));
}

// ---- objects --------------------------------------------------------------------------------------------------------

type Fields = Record<string, unknown>;

function readObjects(text: string, file: string): KubernetesObject[] {
  const { documents, skipped } = parse(text, file);
  const broken = documents
    .flatMap(({ problems }) => problems)
    .find(({ kind }) => kind === 'syntax' || kind === 'too-large');
  const isSkipped = skipped ?? documents.find((document) => document.skipped)?.skipped;
  if (broken) {
    const { line, character } = broken.at.mark.start;
    throw new UnreadableInput(`${file}:${line + 1}:${character + 1}: ${broken.message}`);
  }
  if (isSkipped !== undefined)
    throw new UnreadableInput(l10n.t('{0} is no manifest that can be read ({1}).', file, isSkipped));
  return documents.flatMap(({ roots }) => roots.map((root) => root.toJSON())).flatMap(unwrapList);
}

function unwrapList(value: unknown): KubernetesObject[] {
  const object = fieldsOf(value);
  if (Array.isArray(object['items']) && String(object['kind'] ?? '').endsWith('List'))
    return object['items'].flatMap((item) => unwrapList(item));
  return typeof object['kind'] === 'string' ? [withTexts(object) as KubernetesObject] : [];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** Labels and annotations are texts, whatever YAML takes an unquoted one for. */
function withTexts(object: Fields): Fields {
  const metadata = fieldsOf(object['metadata']);
  const texts = (map: unknown) =>
    Object.fromEntries(
      Object.entries(fieldsOf(map)).map(([name, value]) => [name, value === null ? '' : String(value as string)]),
    );
  return {
    ...object,
    metadata: { ...metadata, labels: texts(metadata['labels']), annotations: texts(metadata['annotations']) },
  };
}

// ---- the pod --------------------------------------------------------------------------------------------------------

/** A Pod, or what a workload makes pods of: as a pod under the workload's name, in its namespace. */
function podOf(object: KubernetesObject): Pod[] {
  if (object.kind === 'Pod') return [object];
  const fields = object as Fields;
  const spec = fieldsOf(fields['spec']);
  const inner = object.kind === 'CronJob' ? fieldsOf(fieldsOf(spec['jobTemplate'])['spec']) : spec;
  const template = fieldsOf(object.kind === 'PodTemplate' ? fields['template'] : inner['template']);
  if (!Array.isArray(fieldsOf(template['spec'])['containers'])) return [];
  const { metadata, ...rest } = withTexts(template) as Pod;
  const { name, namespace } = object.metadata ?? {};
  return [
    {
      ...rest,
      metadata: { ...metadata, ...(name !== undefined && { name }), ...(namespace !== undefined && { namespace }) },
    },
  ];
}

function choosePod(pods: Pod[], wanted: string | undefined, file: string): Pod {
  const nameOf = ({ metadata }: Pod) => metadata?.name ?? metadata?.generateName ?? '';
  const fullName = (pod: Pod) => `${pod.metadata?.namespace ?? 'default'}/${nameOf(pod)}`;
  const matching =
    wanted === undefined ? pods : pods.filter((pod) => nameOf(pod) === wanted || fullName(pod) === wanted);
  const [only, ...others] = matching;
  if (only && others.length === 0) return only;
  const names = [...new Set((only ? matching : pods).map(fullName))];
  if (pods.length === 0)
    throw new UnreadableInput(l10n.t('There is no pod and no pod template in {0}.', file === '-' ? 'stdin' : file));
  if (only)
    throw new UnreadableInput(
      l10n.t('Which pod? {0} holds {1}. Name one.', file === '-' ? 'stdin' : file, names.join(', ')),
    );
  const near = findNearMiss(wanted ?? '', pods.map(nameOf));
  throw new UnreadableInput(
    near === undefined
      ? l10n.t('No pod or workload in the input is called {0}. There are: {1}.', wanted ?? '', names.join(', '))
      : l10n.t('No pod or workload in the input is called {0}. Did you mean {1}?', wanted ?? '', near),
  );
}

/** `istio-injection=enabled,team=a`; an empty text is a namespace without labels. */
function namespaceOfFlag(flag: string | undefined, name: string): Namespace | undefined {
  if (flag === undefined) return undefined;
  const labels = Object.fromEntries(
    flag
      .split(',')
      .filter((pair) => pair.trim() !== '')
      .map((pair) => {
        const [key = '', ...value] = pair.trim().split('=');
        if (value.length === 0)
          throw new UsageError(l10n.t('{0} takes {1}, not "{2}".', '--namespace-labels', 'KEY=VALUE,…', pair));
        return [key, value.join('=')];
      }),
  );
  return { metadata: { name, labels } };
}

// ---- mesh configuration ---------------------------------------------------------------------------------------------

/** From the file that was named, plain or wrapped in its ConfigMap; else from the ConfigMap `istio` among the objects. */
async function findMeshConfig(
  configMaps: ConfigMap[],
  file: string | undefined,
  terminal: Terminal,
): Promise<{ meshConfig: Fields; configMaps: ConfigMap[] }> {
  if (file === undefined) {
    const found = configMaps.find(
      ({ metadata, data }) => /^istio(-|$)/.test(metadata?.name ?? '') && data?.['mesh'] !== undefined,
    );
    return { meshConfig: parseMesh(found?.data?.['mesh'] ?? '', 'ConfigMap'), configMaps };
  }
  const text = await readText(file, terminal);
  const outer = parseMesh(text, file);
  const wrapped = fieldsOf(outer['data'])['mesh'];
  const mesh = typeof wrapped === 'string' ? wrapped : text;
  const others = configMaps.filter(({ data }) => data?.['mesh'] === undefined);
  return {
    meshConfig: parseMesh(mesh, file),
    configMaps: [...others, { metadata: { name: 'istio' }, data: { mesh } }],
  };
}

function parseMesh(text: string, file: string): Fields {
  try {
    return fieldsOf(parseYaml(text));
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new UnreadableInput(l10n.t('Could not read the mesh configuration {0}: {1}.', file, why), { cause: error });
  }
}
