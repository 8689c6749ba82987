import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { iptablesExplain } from './iptables-explain.ts';
import { run } from './run.ts';

const fixtures = join(import.meta.dirname, '..', 'mesh', 'interception', 'fixtures');
const rules = readFileSync(join(fixtures, 'with-cni_shop_reviews.v4.save'), 'utf8');

async function call(args: string[], stdin?: string, color = false) {
  let out = '';
  let err = '';
  const read = () => (stdin === undefined ? Promise.reject(new Error('not to be read')) : Promise.resolve(stdin));
  const code = await run(
    [iptablesExplain],
    {
      args: ['iptables', 'explain', ...args],
      cwd: fixtures,
      stdin: read,
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      color,
    },
    () => '0',
  );
  return { code, out, err };
}

describe('meshloom iptables explain', () => {
  it('prints the contract’s JSON', async () => {
    const { code, out, err } = await call(['--format', 'json', 'with-cni_shop_reviews.v4.save']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const json = JSON.parse(out) as { rules: Record<string, unknown>[]; chains: unknown[] };
    expect(Object.keys(json)).toEqual(['mode', 'chains', 'rules', 'warnings']);
    expect(json).toMatchObject({ mode: 'sidecar-redirect', warnings: [] });
    expect(json.chains).toContainEqual({ table: 'nat', name: 'OUTPUT', policy: 'ACCEPT' });
    expect(json.rules[2]).toMatchObject({
      table: 'nat',
      chain: 'ISTIO_INBOUND',
      rule: '-A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN',
      counters: { packets: 0, bytes: 0 },
    });
    expect(json.rules).toHaveLength(rules.match(/ -A /g)!.length);
    expect(new Set(json.rules.map(({ rule }) => rule)).size).toBe(json.rules.length);
  });

  it.each([[['-']], [[]]])('reads standard input for %j', async (args) => {
    const { code, out } = await call([...args, '--format=json'], rules);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ mode: 'sidecar-redirect' });
  });

  it('groups the text by chain, each rule with counters, explanation and cause', async () => {
    const { out } = await call(['with-cni_shop_reviews.v4.save']);
    expect(out).toContain('nat ISTIO_INBOUND  Which TCP connections');
    expect(out).toContain(
      '  -A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN   4 packets, 240 bytes\n      Kubelet',
    );
    expect(out).toContain('Cause: annotation traffic.sidecar.istio.io/excludeOutboundPorts');
    expect(out).not.toContain('\u001b');
  });

  it('uses colours only where they are seen', async () => {
    expect((await call(['with-cni_shop_reviews.v4.save'], undefined, true)).out).toContain('\u001b[');
  });

  it('warns of a rule that nobody knows, and still succeeds', async () => {
    const { code, err } = await call([], '*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -j FROB\nCOMMIT\n');
    expect(code).toBe(0);
    expect(err).toContain('-A OUTPUT -p tcp -j FROB');
  });

  it('says what is missing, why, and what to do', async () => {
    const { code, out, err } = await call(['nowhere.txt']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/Could not read the rules from nowhere.txt: there is no such file\. Check the path/);
    expect((await call(['.'])).err).toContain('directory');
  });

  it('refuses two files, a wrong format and an unknown flag', async () => {
    expect((await call(['a', 'b'])).code).toBe(2);
    expect((await call(['--format', 'yaml'])).err).toContain('text, json');
    expect((await call(['--verbose'])).err).toContain('Unknown flag --verbose');
  });

  it('takes empty and unreadable input for what it is', async () => {
    expect(await call(['--format', 'json'], '')).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse((await call(['--format', 'json'], '\u0000\u0001\u0002')).out)).toMatchObject({
      mode: 'unknown',
      rules: [],
    });
  });
});
