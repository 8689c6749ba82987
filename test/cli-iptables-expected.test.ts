import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** The bundle as a process, as in dist/, on what was recorded from a real mesh. */
const root = join(import.meta.dirname, '..');
const place = join(root, 'out', `cli-expected-${process.pid}`);
const program = join(place, 'dist', 'cli.js');
const recordings = join(root, 'extension', 'demo', 'recordings');

beforeAll(async () => {
  mkdirSync(join(place, 'dist'), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(place, 'package.json'));
  await build({
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    mainFields: ['module', 'main'],
    loader: { '.yaml': 'text' },
    entryPoints: ['cli/main.ts'],
    outfile: program,
    logLevel: 'error',
  });
});

afterAll(() => {
  rmSync(place, { recursive: true, force: true });
});

const run = (args: string[], input = '') =>
  spawnSync(process.execPath, [program, 'iptables', ...args], { encoding: 'utf8', input });

describe.each(['before-cni', 'with-cni'])('on the mesh %s', (state) => {
  const { items } = JSON.parse(readFileSync(join(recordings, state, 'resources.json'), 'utf8')) as {
    items: { kind: string; metadata: { name: string; namespace: string } }[];
  };
  const folder = join(recordings, state, 'rules');
  const pods = readdirSync(folder)
    .filter((file) => file.endsWith('.v4.save') && /shop_(ratings|dns|details)|optin/.test(file))
    .map((file) => file.replace('.v4.save', '').replace('_', '/'));

  it.each(pods)('prints what the kernel has for %s, and finds no drift', (pod) => {
    const [namespace, name] = pod.split('/') as [string, string];
    const live = items.find((item) => item.kind === 'Pod' && item.metadata.name === name);
    const file = join(place, `${name}.json`);
    writeFileSync(file, JSON.stringify(live));
    const saved = readFileSync(join(folder, `${namespace}_${name}.v4.save`), 'utf8');
    const printed = run(['expected', file]);
    expect(printed.status).toBe(0);
    expect(printed.stdout).toBe(saved.replace(/^\[\d+:\d+\] /gm, '').replace(/^(:.*) \[.*\]$/gm, '$1 [0:0]'));
    expect(run(['drift', '--pod', file], saved)).toMatchObject({ status: 0 });
    const changed = run(
      ['drift', '--pod', file, '--format', 'json', '-'],
      saved.replace(/--dport 15021/, '--dport 15022'),
    );
    expect(changed.status).toBe(1);
    expect(JSON.parse(changed.stdout)).toMatchObject({
      status: 'drift',
      differences: [
        {
          kind: 'changed',
          expected: '-A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN',
          actual: '-A ISTIO_INBOUND -p tcp -m tcp --dport 15022 -j RETURN',
          cause: 'default',
        },
      ],
    });
  });
});

describe('the exit code', () => {
  it('is 2 for a wrong call and for what cannot be told', () => {
    expect(run(['expected', '--fromat', 'json']).stderr).toContain('--format');
    expect(run(['drift', '--pod', '/nowhere/at/all'], '').status).toBe(2);
    const pod = join(place, 'plain.yaml');
    writeFileSync(
      pod,
      'kind: Pod\nmetadata: {name: a, labels: {sidecar.istio.io/inject: "true"}}\nspec: {containers: [{name: b}]}\n',
    );
    expect(run(['drift', '--pod', pod], 'not rules at all\n').status).toBe(2);
  });
});
