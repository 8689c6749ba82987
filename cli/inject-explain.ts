import * as l10n from '@vscode/l10n';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseMeshSettings, Workspace } from '../language/index.ts';
import type { PodSource } from '../language/index.ts';
import { findNearMiss } from '../mesh/near-miss.ts';
import { tellWhatWasSkipped } from './analyze.ts';
import { collectInputs } from './analyze-inputs.ts';
import { oneOf, readFlags } from './flags.ts';
import { explainPod, readInjectionInputs } from './explain-pod.ts';
import type { ExplainedPod } from './explain-pod.ts';
import { printExplainedPods } from './print-explained-pods.ts';
import type { Terminal, Verb } from './verb.ts';

const flags = {
  format: { type: 'string', default: 'text' },
  pod: { type: 'string' },
  revision: { type: 'string', multiple: true, default: [] as string[] },
  'mesh-config': { type: 'string' },
} as const;

export const injectExplain: Verb = {
  name: ['inject', 'explain'],
  get summary() {
    return l10n.t('say of every pod whether it gets a sidecar, and of every step of that decision what decided it');
  },
  get help() {
    return l10n.t(`Usage: meshloom inject explain [FLAGS] [FILE|DIR|GLOB|-] ...

Reads manifests (YAML or JSON; of a directory: every .yaml, .yml and .json below it; standard input if nothing is named)
and tells of each Pod and each pod template in them, step by step in Istio's order, whether a new pod is injected.

What the manifests hold of Namespaces, injector webhooks (MutatingWebhookConfiguration), injector values (ConfigMap
istio-sidecar-injector) and the mesh configuration (ConfigMap istio) counts. What they do not hold counts as in a default
installation: a namespace without labels, and one control plane of revision "default" whose policy is "enabled".

  --format text|json   text for people (default), json for programs
  --pod NAME           only this pod or workload; NAMESPACE/NAME works too
  --revision R         the revisions (or tags) that control planes answer to; may be given several times
  --mesh-config FILE   the mesh configuration, plain or as the ConfigMap istio
  -h, --help           this text

Exit: 0 explained, 2 it could not run or could not read one of the inputs.

Example: kubectl get -A namespaces,deployments,mutatingwebhookconfigurations -o yaml | meshloom inject explain --pod reviews`);
  },
  run,
};

async function run(terminal: Terminal): Promise<number> {
  const { values, positionals } = readFlags(terminal.args, flags);
  const format = oneOf('--format', values.format, ['text', 'json'] as const);
  const meshConfig = await readMeshConfig(values['mesh-config'], terminal);
  if (meshConfig === null) return 2;
  const workspace = new Workspace({ rules: [], syntaxErrors: 'all' });
  const couldReadAll = await collectInputs(positionals.length > 0 ? positionals : ['-'], workspace, terminal);
  tellWhatWasSkipped(workspace, terminal);
  const couldParseAll = tellWhatIsBroken(workspace, terminal);
  const inputs = readInjectionInputs(workspace, values.revision, meshConfig);
  const pods = values.pod === undefined ? inputs.pods : inputs.pods.filter((pod) => isNamed(pod, values.pod!));
  if (values.pod !== undefined && pods.length === 0) {
    terminal.err(`${describeMissing(values.pod, inputs.pods)}\n`);
    return 2;
  }
  if (pods.length === 0) terminal.err(`${l10n.t('There is no pod and no pod template in the input.')}\n`);
  const explained: ExplainedPod[] = pods.map((pod) => explainPod(pod, inputs));
  terminal.out(
    format === 'json' ? `${JSON.stringify(explained, null, 2)}\n` : printExplainedPods(explained, terminal.color),
  );
  return couldReadAll && couldParseAll ? 0 : 2;
}

/** The text of the file; undefined if none was named, null if it cannot be read. */
async function readMeshConfig(file: string | undefined, terminal: Terminal): Promise<string | null | undefined> {
  if (file === undefined) return undefined;
  try {
    const text = await readFile(resolve(terminal.cwd, file), 'utf8');
    parseMeshSettings(text);
    return text;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    terminal.err(`${l10n.t('Could not read the mesh configuration {0}: {1}.', file, why)}\n`);
    return null;
  }
}

/** A document that cannot be read is left out, pods and all: better told and with exit code 2 than decided on half of it. */
function tellWhatIsBroken(workspace: Workspace, { err }: Terminal): boolean {
  const broken = workspace.findings().filter(({ rule }) => rule === 'yaml/syntax' || rule === 'yaml/too-large');
  for (const { uri, range, message } of broken)
    err(`${uri}:${range.start.line + 1}:${range.start.character + 1}: ${message}\n`);
  return broken.length === 0;
}

function isNamed({ name, namespace }: PodSource, wanted: string): boolean {
  return name === wanted || `${namespace}/${name}` === wanted;
}

function describeMissing(wanted: string, pods: readonly PodSource[]): string {
  const names = [...new Set(pods.map(({ name }) => name))];
  const near = findNearMiss(wanted, names);
  return near === undefined
    ? l10n.t('No pod or workload in the input is called {0}. There are: {1}.', wanted, names.join(', ') || '–')
    : l10n.t('No pod or workload in the input is called {0}. Did you mean {1}?', wanted, near);
}
