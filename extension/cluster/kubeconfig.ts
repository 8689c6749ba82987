/**
 * Finds and reads kubeconfig files as kubectl does, and contacts nobody. What cannot be read becomes a problem with file
 * and line; what the other files say still counts.
 *
 * Merging: missing files of a list are skipped; of two entries with one name the first wins, whole; so does the first
 * `current-context`. Relative paths count from the file that names them.
 * https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 */
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import * as l10n from '@vscode/l10n';
import { ClusterFailure } from './cluster.ts';
import { isMap, LineCounter, parseDocument, type Document, type Node } from 'yaml';

/** The field names are those of the client library, so that it takes these objects as they are. */
export interface KubeconfigCluster {
  name: string;
  /** `https://10.0.0.1:6443`, without a slash at the end. */
  server: string;
  caData?: string;
  caFile?: string;
  tlsServerName?: string;
  skipTLSVerify: boolean;
  proxyUrl?: string;
  /** For the login program, when it is told about the cluster: as the file has it. */
  execConfig?: unknown;
}

export interface ExecPlugin {
  command: string;
  args: string[];
  env: { name: string; value: string }[];
  apiVersion?: string;
  installHint?: string;
  provideClusterInfo: boolean;
  interactiveMode?: string;
}

/** The name of the extension of a cluster's entry that is handed to its users' login programs. */
const execExtension = 'client.authentication.k8s.io/exec';

export interface KubeconfigUser {
  name: string;
  /** The kubeconfig that it stands in. */
  file?: string;
  certData?: string;
  certFile?: string;
  keyData?: string;
  keyFile?: string;
  token?: string;
  /** Read for each request: whoever writes it renews the token. Goes before `token`. */
  tokenFile?: string;
  username?: string;
  password?: string;
  impersonateUser?: string;
  impersonateUid?: string;
  impersonateGroups: string[];
  impersonateExtra?: Record<string, string[]>;
  exec?: ExecPlugin;
  /** `oidc`, `azure`, `gcp`: as the file has it, for the client library. */
  authProvider?: Record<string, unknown>;
}

export interface KubeconfigContext {
  name: string;
  cluster: string;
  user?: string;
  namespace?: string;
  /** The file that it stands in. */
  file: string;
}

export interface KubeconfigProblem {
  file: string;
  /** From 1. */
  line?: number;
  /** A whole message: file, line, what is wrong, what to do. */
  message: string;
}

export interface Kubeconfig {
  clusters: KubeconfigCluster[];
  users: KubeconfigUser[];
  contexts: KubeconfigContext[];
  currentContext?: string;
  problems: KubeconfigProblem[];
  /** The files that were read. */
  files: string[];
}

/** A kubeconfig of a thousand clusters has 5 MB; anything larger is another file. */
const maxBytes = 16 * 1024 * 1024;

/**
 * @param setting the user's `meshloom.cluster.kubeconfig`: one file, or several as in $KUBECONFIG; empty: look where kubectl looks.
 * @returns the paths, and whether each must be there (a path that the user set) or may be missing (of a list, or the default).
 */
export function findKubeconfigFiles(
  setting: string,
  environment: Record<string, string | undefined> = process.env,
  home = homedir(),
): { paths: string[]; source: 'setting' | 'KUBECONFIG' | 'default' } {
  const split = (value: string) =>
    value
      .split(delimiter)
      .map((path) => path.trim())
      .filter((path) => path !== '')
      .map((path) => resolve(home, path.replace(/^~(?=$|[/\\])/, home)));
  const fromSetting = split(setting);
  if (fromSetting.length > 0) return { paths: fromSetting, source: 'setting' };
  const fromEnvironment = split(environment.KUBECONFIG ?? '');
  if (fromEnvironment.length > 0) return { paths: fromEnvironment, source: 'KUBECONFIG' };
  return { paths: [join(home, '.kube', 'config')], source: 'default' };
}

/** Reads and merges. Never throws: what is wrong stands in `problems`. */
export async function readKubeconfig(found: {
  paths: string[];
  source: 'setting' | 'KUBECONFIG' | 'default';
}): Promise<Kubeconfig> {
  const merged: Kubeconfig = { clusters: [], users: [], contexts: [], problems: [], files: [] };
  let missing = 0;
  for (const file of new Set(found.paths)) {
    const read = await readOne(file);
    if (read === undefined) {
      missing++;
      if (found.source === 'setting') merged.problems.push(missingFile(file));
      continue;
    }
    merge(merged, typeof read === 'string' ? parseKubeconfig(read, file) : read);
  }
  if (missing === found.paths.length && found.source !== 'setting') merged.problems.push(missingEverywhere(found));
  merged.problems.push(...danglingReferences(merged));
  return merged;
}

/**
 * @param text the file's text, YAML or JSON.
 * @param file its path: for the words of a problem, and relative paths count from its directory.
 */
export function parseKubeconfig(text: string, file: string): Kubeconfig {
  const result: Kubeconfig = { clusters: [], users: [], contexts: [], problems: [], files: [file] };
  const lines = new LineCounter();
  const problem = (message: string, offset?: number) => {
    const line = offset === undefined ? undefined : lines.linePos(offset).line;
    result.problems.push(describeProblem(file, message, line));
  };
  if (text.trim() === '') {
    problem(l10n.t('it is empty.'));
    return result;
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    problem(l10n.t('it is not valid YAML: {0}.', error.message.replace(/\.$/, '')), error.pos[0]);
    return result;
  }
  const root = toPlain(document, problem);
  if (!root) return result;
  const kind = root.kind;
  if (typeof kind === 'string' && kind !== 'Config') {
    problem(l10n.t('it holds a {0}, not a kubeconfig (kind Config).', kind), offsetOf(document, ['kind']));
    return result;
  }
  if (!['clusters', 'contexts', 'users', 'current-context'].some((key) => key in root)) {
    problem(l10n.t('it has neither clusters nor contexts: it is not a kubeconfig.'), 0);
    return result;
  }
  const directory = dirname(file);
  for (const { entry, at } of entriesOf(root, 'clusters', document, problem)) {
    const cluster = toCluster(entry, directory);
    if (cluster.server === '') problem(l10n.t('cluster “{0}” has no server.', cluster.name), at);
    else if (!isServerUrl(cluster.server)) {
      problem(l10n.t('the server “{1}” of cluster “{0}” is not an http(s) URL.', cluster.name, cluster.server), at);
    }
    result.clusters.push(cluster);
  }
  for (const { entry } of entriesOf(root, 'users', document, problem))
    result.users.push({ ...toUser(entry, directory), file });
  for (const { entry, at } of entriesOf(root, 'contexts', document, problem)) {
    const context = record(entry.context);
    const cluster = textOf(context?.cluster);
    if (cluster === undefined) problem(l10n.t('context “{0}” names no cluster.', String(entry.name)), at);
    result.contexts.push({
      name: String(entry.name),
      cluster: cluster ?? '',
      file,
      ...optional('user', textOf(context?.user)),
      ...optional('namespace', textOf(context?.namespace)),
    });
  }
  const current = textOf(root['current-context']);
  if (current !== undefined) result.currentContext = current;
  return result;
}

/**
 * What one context needs.
 * @throws ClusterFailure `kubeconfig` when the context, its cluster or its user is not there or says too little.
 */
export function resolveContext(
  config: Kubeconfig,
  name: string,
): { context: KubeconfigContext; cluster: KubeconfigCluster; user?: KubeconfigUser } {
  const fail = (why: string) => {
    const next = l10n.t('Choose another cluster or correct the kubeconfig.');
    return new ClusterFailure('kubeconfig', l10n.t('Could not use context “{0}”: {1}', name, why), next);
  };
  const context = config.contexts.find((candidate) => candidate.name === name);
  if (!context) {
    // A file that gave nothing may have held it; what is wrong with entries of others is not the reason.
    const unread = config.problems.find(({ file }) => !config.contexts.some((other) => other.file === file));
    throw fail(unread?.message ?? l10n.t('it is not in {0}.', config.files.join(', ')));
  }
  const cluster = config.clusters.find((candidate) => candidate.name === context.cluster);
  if (!cluster)
    throw fail(l10n.t('its cluster “{0}” is not defined in {1}.', context.cluster, config.files.join(', ')));
  if (!isServerUrl(cluster.server)) {
    throw fail(l10n.t('the server “{1}” of cluster “{0}” is not an http(s) URL.', cluster.name, cluster.server));
  }
  if (context.user === undefined) return { context, cluster };
  const user = config.users.find((candidate) => candidate.name === context.user);
  if (!user) throw fail(l10n.t('its user “{0}” is not defined in {1}.', context.user, config.files.join(', ')));
  // Without the name the rest would be left out, and somebody act with all of his own rights who meant to have fewer.
  const { impersonateUser, impersonateUid, impersonateGroups, impersonateExtra } = user;
  if (!impersonateUser && (impersonateUid || impersonateExtra || impersonateGroups.length > 0))
    throw fail(
      l10n.t(
        'its user “{0}” asks for groups, a uid or more of somebody (as-…) without saying of whom (as).',
        user.name,
      ),
    );
  return { context, cluster, user };
}

function isServerUrl(server: string): boolean {
  return URL.canParse(server) && /^https?:$/.test(new URL(server).protocol);
}

/** The text, undefined when there is no such file, or a config that holds nothing but the problem. */
async function readOne(file: string): Promise<string | Kubeconfig | undefined> {
  try {
    const { size } = await stat(file);
    if (size <= maxBytes) return await readFile(file, 'utf8');
    return onlyProblem(
      describeProblem(file, l10n.t('it is {0} MB large, which no kubeconfig is.', Math.round(size / 1024 / 1024))),
    );
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const why =
      code === 'EISDIR' ? l10n.t('it is a directory.') : l10n.t('it cannot be read ({0}).', code ?? String(error));
    return onlyProblem(describeProblem(file, why));
  }
}

function onlyProblem(problem: KubeconfigProblem): Kubeconfig {
  return { clusters: [], users: [], contexts: [], problems: [problem], files: [problem.file] };
}

function describeProblem(file: string, why: string, line?: number): KubeconfigProblem {
  const place = line === undefined ? file : l10n.t('{0}, line {1}', file, line);
  return {
    file,
    ...(line !== undefined && { line }),
    message: l10n.t(
      'The kubeconfig {0} cannot be used: {1} Correct it, or set another one in meshloom.cluster.kubeconfig.',
      place,
      why,
    ),
  };
}

function missingFile(file: string): KubeconfigProblem {
  return {
    file,
    message: l10n.t(
      'The kubeconfig {0}, which meshloom.cluster.kubeconfig names, does not exist. Correct the setting, or empty it to use $KUBECONFIG or ~/.kube/config.',
      file,
    ),
  };
}

function missingEverywhere({ paths, source }: { paths: string[]; source: string }): KubeconfigProblem {
  const message =
    source === 'KUBECONFIG'
      ? l10n.t(
          'None of the files in $KUBECONFIG exists: {0}. Correct the variable, or set meshloom.cluster.kubeconfig.',
          paths.join(', '),
        )
      : l10n.t(
          'There is no kubeconfig at {0}. Set meshloom.cluster.kubeconfig or $KUBECONFIG to use a cluster of your own.',
          paths.join(', '),
        );
  return { file: paths[0]!, message };
}

function danglingReferences({ contexts, clusters, users }: Kubeconfig): KubeconfigProblem[] {
  return contexts.flatMap(({ name, cluster, user, file }) => {
    const problems: KubeconfigProblem[] = [];
    if (cluster !== '' && !clusters.some((candidate) => candidate.name === cluster)) {
      problems.push(
        describeProblem(file, l10n.t('context “{0}” names cluster “{1}”, which is not defined.', name, cluster)),
      );
    }
    if (user !== undefined && !users.some((candidate) => candidate.name === user)) {
      problems.push(describeProblem(file, l10n.t('context “{0}” names user “{1}”, who is not defined.', name, user)));
    }
    return problems;
  });
}

function merge(into: Kubeconfig, from: Kubeconfig): void {
  mergeByName(into.clusters, from.clusters);
  mergeByName(into.users, from.users);
  mergeByName(into.contexts, from.contexts);
  into.currentContext ??= from.currentContext;
  into.problems.push(...from.problems);
  into.files.push(...from.files);
}

function mergeByName<T extends { name: string }>(into: T[], from: T[]): void {
  for (const entry of from) if (!into.some(({ name }) => name === entry.name)) into.push(entry);
}

type Report = (message: string, offset?: number) => void;

function toPlain(document: Document.Parsed, problem: Report): Record<string, unknown> | undefined {
  if (!isMap(document.contents)) {
    problem(l10n.t('it is not a kubeconfig but a plain text or list.'), document.contents?.range[0] ?? 0);
    return undefined;
  }
  try {
    return document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>;
  } catch (error) {
    problem(l10n.t('its anchors cannot be followed: {0}.', error instanceof Error ? error.message : String(error)));
    return undefined;
  }
}

function offsetOf(document: Document.Parsed, path: (string | number)[]): number | undefined {
  return (document.getIn(path, true) as Node | undefined)?.range?.[0];
}

/** The entries of a named list, each with its place in the text; what is no entry is reported and left out. */
function entriesOf(
  root: Record<string, unknown>,
  key: string,
  document: Document.Parsed,
  problem: Report,
): { entry: Record<string, unknown>; at?: number }[] {
  const list = root[key];
  if (list == null) return [];
  if (!Array.isArray(list)) {
    problem(l10n.t('{0} is not a list.', key), offsetOf(document, [key]));
    return [];
  }
  return list.flatMap((item: unknown, index) => {
    const at = offsetOf(document, [key, index]);
    const entry = record(item);
    if (entry && textOf(entry.name) !== undefined) return [{ entry, ...optional('at', at) }];
    problem(l10n.t('{0}[{1}] has no name.', key, index), at);
    return [];
  });
}

function toCluster(entry: Record<string, unknown>, directory: string): KubeconfigCluster {
  const cluster = record(entry.cluster) ?? {};
  return {
    name: String(entry.name),
    server: (textOf(cluster.server) ?? '').trim().replace(/\/+$/, ''),
    skipTLSVerify: cluster['insecure-skip-tls-verify'] === true,
    ...optional('caData', textOf(cluster['certificate-authority-data'])),
    ...optional('caFile', path(cluster['certificate-authority'], directory)),
    ...optional('tlsServerName', textOf(cluster['tls-server-name'])),
    ...optional('proxyUrl', textOf(cluster['proxy-url'])),
    ...optional('execConfig', extensionOf(cluster, execExtension)),
  };
}

function extensionOf(cluster: Record<string, unknown>, name: string): unknown {
  const extensions = Array.isArray(cluster.extensions) ? cluster.extensions.map(record) : [];
  return extensions.find((extension) => extension?.name === name)?.extension;
}

function extraOf(value: unknown): Record<string, string[]> | undefined {
  const entries = Object.entries(record(value) ?? {}).flatMap(([key, values]): [string, string[]][] =>
    Array.isArray(values) ? [[key, values.map(String)]] : [],
  );
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

function toUser(entry: Record<string, unknown>, directory: string): KubeconfigUser {
  const user = record(entry.user) ?? {};
  const groups = user['as-groups'];
  return {
    name: String(entry.name),
    impersonateGroups: Array.isArray(groups) ? groups.map(String) : [],
    ...optional('certData', textOf(user['client-certificate-data'])),
    ...optional('certFile', path(user['client-certificate'], directory)),
    ...optional('keyData', textOf(user['client-key-data'])),
    ...optional('keyFile', path(user['client-key'], directory)),
    ...optional('token', textOf(user.token)),
    ...optional('tokenFile', path(user.tokenFile, directory)),
    ...optional('username', textOf(user.username)),
    ...optional('password', textOf(user.password)),
    ...optional('impersonateUser', textOf(user.as)),
    ...optional('impersonateUid', textOf(user['as-uid'])),
    ...optional('impersonateExtra', extraOf(user['as-user-extra'])),
    ...optional('exec', toExecPlugin(record(user.exec), directory)),
    ...optional('authProvider', record(user['auth-provider'])),
  };
}

function toExecPlugin(exec: Record<string, unknown> | undefined, directory: string): ExecPlugin | undefined {
  const command = textOf(exec?.command);
  if (!exec || command === undefined) return undefined;
  const env = Array.isArray(exec.env) ? exec.env.map(record) : [];
  return {
    // A bare name is looked up on the PATH, a relative path counts from the file.
    command: /[/\\]/.test(command) && !isAbsolute(command) ? resolve(directory, command) : command,
    args: Array.isArray(exec.args) ? exec.args.map(String) : [],
    env: env.flatMap((item) =>
      item && textOf(item.name) !== undefined ? [{ name: String(item.name), value: String(item.value ?? '') }] : [],
    ),
    provideClusterInfo: exec.provideClusterInfo === true,
    ...optional('apiVersion', textOf(exec.apiVersion)),
    ...optional('installHint', textOf(exec.installHint)?.trim()),
    ...optional('interactiveMode', textOf(exec.interactiveMode)),
  };
}

function path(value: unknown, directory: string): string | undefined {
  const file = textOf(value);
  return file === undefined ? undefined : resolve(directory, file);
}

/** A non-empty string; numbers too, because an unquoted name like `123` is one in YAML. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) || undefined : undefined;
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function optional<Key extends string, T>(key: Key, value: T | undefined): Partial<Record<Key, T>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, T>);
}
