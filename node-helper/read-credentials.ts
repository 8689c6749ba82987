/** Whether the kubeconfigs that plugins need are there, and until when. The tokens in them are not told. */
import type { ReadCniResult } from '../contract/node-helper.ts';
import type { CniPluginEntry } from '../mesh/cni/parse-cni-file.ts';
import { attempt, errorCode } from './failure.ts';
import { resolveInRoot } from './host-files.ts';
import type { Host } from './host.ts';

type Credential = NonNullable<ReadCniResult['credentials']>[number];

/** @param roots prefixes below which the whole of the host's files is seen: only there “missing” means missing. */
export function readCredentials(
  host: Host,
  roots: readonly string[],
  entries: readonly CniPluginEntry[],
): Credential[] {
  const wanted = entries.flatMap((entry) => credentialPaths(entry).map((path) => ({ plugin: entry.type, path })));
  const seen = new Map(wanted.map((one) => [`${one.plugin} ${one.path}`, one]));
  return roots.length === 0 ? [] : [...seen.values()].map((one) => ({ ...one, ...stateOf(host, roots, one.path) }));
}

/** Istio's plugin names a directory, or in older releases the file; others keep it under `kubernetes` or beside it. */
function credentialPaths({ type, config }: CniPluginEntry): string[] {
  const kubernetes = asFields(config.kubernetes);
  const directory = config.cni_agent_run_dir ?? kubernetes.cni_agent_run_dir;
  const named = [kubernetes.kubeconfig, config.kubeconfig];
  // An ambient plugin asks its agent over a socket there; the file is written all the same.
  if (type === 'istio-cni' && typeof directory === 'string') named.push(`${directory}/istio-cni-kubeconfig`);
  return named.filter(
    (path): path is string => typeof path === 'string' && path.startsWith('/') && !path.includes('\0'),
  );
}

function stateOf(host: Host, roots: readonly string[], path: string): Pick<Credential, 'state' | 'expires'> {
  const codes: string[] = [];
  for (const root of roots) {
    try {
      const expires = expiryIn(host, roots, host.read(resolveInRoot(host, root, path), 256 * 1024));
      return { state: 'there', ...(expires !== undefined && { expires }) };
    } catch (error) {
      codes.push(errorCode(error));
    }
  }
  return { state: codes.every((code) => code === 'ENOENT' || code === 'ENOTDIR') ? 'missing' : 'unreadable' };
}

/** The end of the token, which stands there itself or in a file. */
function expiryIn(host: Host, roots: readonly string[], kubeconfig: string): number | undefined {
  const file = /\btokenFile"?\s*:\s*["']?(\/[^\s"',}]+)/m.exec(kubeconfig)?.[1];
  const inline = /"?token"?\s*:\s*["']?([\w-]+\.[\w-]+\.[\w-]*)/.exec(kubeconfig)?.[1];
  const token =
    inline ??
    (file === undefined
      ? undefined
      : roots
          .map((root) => attempt(() => host.read(resolveInRoot(host, root, file), 64 * 1024)))
          .find((text) => text !== undefined));
  const payload = token?.trim().split('.')[1];
  if (payload === undefined) return undefined;
  const { exp } = asFields(attempt(() => JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as unknown));
  return typeof exp === 'number' ? exp : undefined;
}

function asFields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
