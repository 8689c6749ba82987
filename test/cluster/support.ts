/** What the tests on a real cluster share. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { createClientNodeCluster } from '../../extension/cluster/client-node-cluster.ts';
import type { Cluster } from '../../extension/cluster/cluster.ts';
import { findKubeconfigFiles, readKubeconfig, resolveContext } from '../../extension/cluster/kubeconfig.ts';

const root = join(import.meta.dirname, '../..');

export type ConnectedCluster = Cluster & { dispose(): void };

/** Appears among the test's output. */
export function say(line: string): void {
  console.log(`test/cluster: ${line}`);
}

/** As the extension does it: the kubeconfig read, its current context resolved. @param token asks as somebody else. */
export async function connect(kubeconfig: string, token?: string): Promise<ConnectedCluster> {
  const config = await readKubeconfig(findKubeconfigFiles(kubeconfig));
  const { context, cluster, user } = resolveContext(config, config.currentContext ?? '');
  const asUser = token === undefined ? user : { name: 'somebody', token, impersonateGroups: [] };
  return createClientNodeCluster({
    context: { id: 'kubeconfig:test', name: context.name, kind: 'kubeconfig' },
    cluster,
    ...(asUser && { user: asUser }),
  });
}

/** The node helper as it is shipped; built here where dist/ has none or an older one. */
export async function readHelperProgram(): Promise<Uint8Array> {
  const built = join(root, 'dist/node-helper.js');
  const sources = ['node-helper', 'contract', 'mesh/cni'].flatMap((room) =>
    readdirSync(join(root, room)).map((file) => statSync(join(root, room, file)).mtimeMs),
  );
  const isFresh = (statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0) > Math.max(...sources);
  if (isFresh) return readFileSync(built);
  const work = mkdtempSync(join(tmpdir(), 'meshloom-node-helper-'));
  try {
    const outfile = join(work, 'node-helper.js');
    const onNode = { platform: 'node', format: 'cjs', target: 'node20' } as const;
    const mainFields = ['module', 'main'];
    await build({
      entryPoints: [join(root, 'node-helper/main.ts')],
      outfile,
      bundle: true,
      minify: true,
      mainFields,
      ...onNode,
    });
    return readFileSync(outfile);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Looks five times a second. @throws Error when there is still nothing at the end of the time. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** The failure that a promise ends with; undefined when it ends well. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
