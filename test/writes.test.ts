/** Every write to a cluster goes through one gate (extension/actions/guard-writes.ts); this holds that there is no other way. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const sources = globSync('extension/**/*.ts', { cwd: root })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => !/\.test\.ts$|(^|\/)testing\.ts$|^extension\/demo\//.test(file))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
const filesWith = (pattern: RegExp) =>
  sources
    .filter(({ text }) => pattern.test(text))
    .map(({ file }) => file)
    .sort();

describe('writes to a cluster', () => {
  it('are sent by one file', () => {
    expect(filesWith(/'(PATCH|POST|PUT|DELETE)'/)).toEqual([
      // Asks a proxy for its loggers, which Envoy tells only so; never the cluster.
      'extension/actions/read-admin.ts',
      'extension/actions/read-proxy.ts',
      'extension/cluster/client-node-cluster.ts',
      'extension/cluster/http-call.ts',
      // Asks the issuer of a login for a token; never the cluster.
      'extension/cluster/oidc-credential.ts',
    ]);
  });

  it('are not what a proxy is asked with POST: a level without its name changes nothing', () => {
    const { text } = sources.find(({ file }) => file === 'extension/actions/read-proxy.ts')!;
    const posts = text.split('\n').filter((line) => /'POST'/.test(line) && !/method:/.test(line));
    expect(posts.length).toBeGreaterThan(0);
    for (const line of posts) expect(line).toMatch(/\('\/logging',/);
  });

  it('need a client, which is made where the gate is, and in a program that only reads', () => {
    expect(filesWith(/createClientNodeCluster\(/)).toEqual([
      'extension/cluster/client-node-cluster.ts',
      'extension/cluster/clusters.ts',
      'extension/cluster/snapshot-program.ts',
    ]);
    const program = sources.find(({ file }) => file === 'extension/cluster/snapshot-program.ts')!.text;
    expect(program).not.toMatch(/\.(apply|patch|delete|exec|openTerminal)\(/);
  });

  it('leave clusters.ts guarded only', () => {
    const { text } = sources.find(({ file }) => file === 'extension/cluster/clusters.ts')!;
    expect(text).toMatch(
      /return toWrite === undefined \? guarded\(cluster\) : guardWrites\(cluster, createGate\(toWrite\)\);/,
    );
    expect(text).toMatch(/connection\.cluster\.then\(guarded\)/);
    // Nobody else hands a connection out.
    expect([...text.matchAll(/connectUnguarded\(\)/g)]).toHaveLength(3);
  });

  it('of the node helper are told to the gate', () => {
    const { text } = sources.find(({ file }) => file === 'extension/node-helper/client.ts')!;
    expect(text).toMatch(/isWriting\(request\) && \{ writes:/);
    expect([...text.matchAll(/cluster\.exec\(/g)]).toHaveLength(1);
  });

  it('run commands in containers at four places, each of which is known', () => {
    expect(filesWith(/cluster\.exec\(/)).toEqual([
      // Asks a proxy from inside its container, with GET or the POST above.
      'extension/actions/admin-door.ts',
      'extension/actions/guard-writes.ts',
      'extension/node-helper/client.ts',
      // Reads the rules in a container that was added through the gate.
      'extension/node-helper/debug-container.ts',
    ]);
  });

  it('are announced by the command that makes them', () => {
    const writing = [
      'deploy-node-helper',
      'remove-node-helper',
      'install-cni-plugin',
      'repair-cni-chain',
      'uninstall-cni-plugin',
      'recreate-stuck-pods',
    ];
    for (const name of writing) {
      const { text } = sources.find(({ file }) => file === `extension/commands/${name}.ts`)!;
      expect(text, name).toMatch(/clusters\.connect\(\{ toWrite: /);
      expect(text, name).not.toMatch(/clusters\.connect\(\)/);
    }
    for (const name of ['restart-workload', 'open-shell']) {
      const { text } = sources.find(({ file }) => file === `extension/actions/${name}.ts`)!;
      expect(text, name).toMatch(/clusters\.connect\(\{\s*toWrite: /);
    }
  });
});
