import { existsSync, readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const dist = join(resolve(import.meta.dirname, '..'), 'dist');
const text = (file: string) => readFileSync(join(dist, file), 'utf8');

/** The built files as users get them; `npm test` builds before it tests. */
describe('the bundles', () => {
  it('are all there', () => {
    const files = [
      'extension.js',
      'kubernetes.js',
      'app.js',
      'language-client.js',
      'language-server.js',
      'engine.js',
      'yaml.js',
      'node-helper.js',
      'cli.js',
      'cluster-snapshot.js',
      'meshloom-cni-x64',
      'meshloom-cni-arm64',
      'webviews/interception.js',
      'webviews/service-path.js',
      'webviews/cni-chain.js',
    ];
    expect(files.filter((file) => !existsSync(join(dist, file)))).toEqual([]);
  });

  it('load with activation no more than what registers', () => {
    const activation = text('extension.js');
    expect(activation).not.toMatch(/CoreV1Api|io\.k8s\.api|WebSocketServer|textDocument\/didOpen/);
    expect(text('language-client.js')).toContain('textDocument/didOpen');
    // `npm test` builds for release; `npm run watch` keeps names and lines, which is about twice the size.
    const forRelease = activation.split('\n').length < 2_000;
    expect(statSync(join(dist, 'extension.js')).size).toBeLessThan(forRelease ? 40_000 : 120_000);
  });

  it('use the editor’s API in extension/ alone', () => {
    for (const file of ['engine.js', 'node-helper.js', 'cluster-snapshot.js', 'webviews/interception.js']) {
      expect(text(file), file).not.toMatch(/require\("vscode"\)/);
    }
  });

  it('keep the Kubernetes client out of the command line, which runs a program for it', () => {
    expect(text('engine.js')).not.toContain('CoreV1Api');
    expect(text('cluster-snapshot.js')).not.toContain('CoreV1Api');
    expect(text('cluster-snapshot.js')).toContain('./kubernetes.js');
  });

  it('leave nothing to install on a node: the node-helper requires only Node’s own modules', () => {
    const required = [...text('node-helper.js').matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name!);
    expect(required.filter((name) => !isBuiltin(name))).toEqual([]);
  });
});
