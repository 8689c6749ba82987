import * as l10n from '@vscode/l10n';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isClusterUri, parseMeshSettings, rules, Workspace, yamlRules } from '../language/index.ts';
import type { Report, WorkspaceOptions } from '../language/index.ts';
import { collectInputs } from './analyze-inputs.ts';
import { findRoot } from './artifact-location.ts';
import { printReports, reportFormats } from './analyze-formats.ts';
import { parseSuppressions } from './analyze-suppressions.ts';
import { oneOf, readFlags } from './flags.ts';
import { readCluster } from './read-cluster.ts';
import { UsageError } from './verb.ts';
import type { Terminal, Verb } from './verb.ts';

const failLevels = ['error', 'warning', 'info', 'never'] as const;
type FailOn = (typeof failLevels)[number];

const flags = {
  format: { type: 'string', default: 'text' },
  strict: { type: 'boolean', default: false },
  lenient: { type: 'boolean', default: false },
  'fail-on': { type: 'string', default: 'error' },
  suppress: { type: 'string', multiple: true, default: [] as string[], short: 'S' },
  rules: { type: 'boolean', default: false },
  namespace: { type: 'string', short: 'n' },
  'all-namespaces': { type: 'boolean', default: false, short: 'A' },
  'only-listed': { type: 'boolean', default: false },
  meshConfigFile: { type: 'string' },
  cluster: { type: 'boolean', default: false },
  context: { type: 'string' },
  namespaces: { type: 'string', multiple: true, default: [] as string[] },
} as const;

export const analyze: Verb = {
  name: ['analyze'],
  get summary() {
    return l10n.t('find what is wrong in manifests of a mesh, before they are applied');
  },
  get help() {
    return l10n.t(`Usage: meshloom analyze [FLAGS] FILE|DIR|GLOB|- ...

Reads manifests (YAML or JSON; of a directory: every .yaml, .yml and .json below it; - is standard input) and reports what
is wrong in them, by itself and together. Exit code and findings are the same in every format.

  --format text|json|sarif|github   text for people (default), json for programs, sarif for code scanning, github for annotations
  --lenient                what the files do not define may live elsewhere (default)
  --strict                 what the files do not define is missing
  --fail-on error|warning|info|never   the lowest level that makes the exit code 1 (default: error)
  -S, --suppress 'CODE=KIND NAME.NAMESPACE'   leave out findings; * stands for anything; may be given several times
  -n, --namespace NS       where resources without a namespace go; findings on other namespaces are left out
  -A, --all-namespaces     with -n: report on all namespaces all the same
  --cluster                lay the files over the cluster of the kubeconfig: what they do not define may be there;
                           without files, report on what the cluster holds. It is only read, nothing is written to it
  --context NAME           with --cluster: another context of the kubeconfig than the current one
  --namespaces A,B         with --cluster: read only these namespaces of it (default: all, or those that you may read)
  --only-listed            report on what the named files hold (the default)
  --meshConfigFile FILE    the mesh configuration: MeshConfig, or the ConfigMap istio as it lies in a cluster
  --rules                  list all rules and exit
  -h, --help               this text

Exit: 0 nothing at or above --fail-on, 1 findings, 2 it could not run or could not read one of the inputs.

Example: meshloom analyze --strict manifests/ 'overlays/**/*.yaml'`);
  },
  run,
};

async function run(terminal: Terminal): Promise<number> {
  const { values, positionals } = readFlags(terminal.args, flags);
  const format = oneOf('--format', values.format, reportFormats);
  const failOn = oneOf('--fail-on', values['fail-on'], failLevels);
  if (values.strict && values.lenient) throw new UsageError(l10n.t('--strict and --lenient exclude each other.'));
  if (values.context !== undefined && !values.cluster)
    throw new UsageError(l10n.t('--context chooses the cluster of --cluster, which is not given.'));
  if (values.namespaces.length > 0 && !values.cluster)
    throw new UsageError(l10n.t('--namespaces chooses what --cluster reads, which is not given.'));
  const isSuppressed = parseSuppressions(values.suppress);
  if (values.rules) {
    terminal.out(listRules(format === 'json'));
    return 0;
  }
  if (positionals.length === 0 && !values.cluster)
    throw new UsageError(l10n.t('Name the files, directories or globs to analyze, or - for standard input.'));
  const meshSettings = await readMeshConfig(values.meshConfigFile, terminal);
  if (!meshSettings) return 2;
  // With files, it is they that are judged; the cluster says what else there is.
  const judgeCluster = positionals.length === 0;
  let hasRuleFailed = false;
  const workspace = new Workspace({
    ...meshSettings,
    strictness: values.strict ? 'strict' : 'lenient',
    ...(values.namespace !== undefined && { defaultNamespace: values.namespace }),
    once: true,
    syntaxErrors: 'all',
    judgeCluster,
    onRuleFailure: ({ id }, error) => {
      hasRuleFailed = true;
      terminal.err(`${l10n.t('Rule {0} failed, its findings are missing: {1}', id, String(error))}\n`);
    },
  });
  const couldReadAll = await collectInputs(positionals, workspace, terminal);
  if (values.cluster) {
    const snapshot = await readCluster(values, terminal);
    if (!snapshot) return 2;
    workspace.setCluster(snapshot);
  }
  const namespace = values['all-namespaces'] ? undefined : values.namespace;
  const reports = workspace
    .findings()
    .filter((report) => judgeCluster || !isClusterUri(report.uri))
    .filter((report) => !isSuppressed(report) && isInNamespace(report, namespace))
    .sort(byFileLineCode);
  tellWhatWasSkipped(workspace, terminal);
  const complete = couldReadAll && !hasRuleFailed;
  const root = findRoot(terminal.cwd, terminal.env?.['GITHUB_WORKSPACE']);
  const version = format === 'sarif' ? terminal.version?.() : undefined;
  terminal.out(printReports(reports, format, { color: terminal.color, root, version, complete }));
  if (format === 'text') terminal.err(`${summarize(reports, workspace.uris().length)}\n`);
  if (!complete) return 2;
  return reports.some((report) => fails(report, failOn)) ? 1 : 0;
}

async function readMeshConfig(
  file: string | undefined,
  terminal: Terminal,
): Promise<Partial<WorkspaceOptions> | undefined> {
  if (file === undefined) return {};
  try {
    return parseMeshSettings(await readFile(resolve(terminal.cwd, file), 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    terminal.err(`${l10n.t('Could not read the mesh configuration {0}: {1}.', file, why)}\n`);
    return undefined;
  }
}

/** Problems of the text itself and of cluster-wide resources concern everybody. */
function isInNamespace({ resource }: Report, namespace: string | undefined): boolean {
  return namespace === undefined || !resource || resource.namespace === '' || resource.namespace === namespace;
}

function byFileLineCode(a: Report, b: Report): number {
  return (
    compare(a.uri, b.uri) ||
    a.range.start.line - b.range.start.line ||
    compare(a.code, b.code) ||
    a.range.start.character - b.range.start.character ||
    compare(a.message, b.message)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function fails({ severity }: Report, failOn: FailOn): boolean {
  return failOn !== 'never' && failLevels.indexOf(severity) <= failLevels.indexOf(failOn);
}

/** On stderr: files and documents that were left in peace, and why. */
export function tellWhatWasSkipped(workspace: Workspace, { err }: Terminal): void {
  const why = {
    template: l10n.t('it is a template; analyze what it renders, e.g. with helm template'),
    conflict: l10n.t('it has merge conflict markers; resolve them first'),
    binary: l10n.t('it is binary, or text in UTF-16'),
    'too-large': l10n.t('it is larger than 10 MB; split it'),
    patch: l10n.t('a kustomization lays it over another file; analyze what kustomize build prints'),
  };
  for (const { uri, reason, line } of workspace.skipped()) {
    err(`${l10n.t('{0} was not analyzed: {1}.', line > 0 ? `${uri}:${line + 1}` : uri, why[reason])}\n`);
  }
}

function summarize(reports: readonly Report[], files: number): string {
  const count = (severity: Report['severity']) => reports.filter((report) => report.severity === severity).length;
  if (reports.length === 0) return l10n.t('Nothing found. Files: {0}.', files);
  return l10n.t(
    'Errors: {0}, warnings: {1}, hints: {2}. Files: {3}.',
    count('error'),
    count('warning'),
    count('info'),
    files,
  );
}

function listRules(asJson: boolean): string {
  const all = [...Object.values(yamlRules), ...rules].map(({ id, code, severity, docs, why }) => ({
    id,
    code,
    level: severity,
    docs,
    why,
  }));
  if (asJson) return `${JSON.stringify(all, null, 2)}\n`;
  const width = Math.max(...all.map(({ id }) => id.length));
  return all
    .map(({ id, code, level, why }) => `${id.padEnd(width)}  ${code.padEnd(7)}  ${level.padEnd(7)}  ${why}\n`)
    .join('');
}
