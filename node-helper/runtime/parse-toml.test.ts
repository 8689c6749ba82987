import { expect, test } from 'vitest';
import { mergeToml, parseToml, tomlAt, type TomlTable, UnreadableToml } from './parse-toml.ts';

function plain(table: TomlTable): unknown {
  return JSON.parse(JSON.stringify(table));
}

test('reads tables, lists of tables, and keys in dots and quotes', () => {
  const text = `
version = 2 # two
[plugins]
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = '/etc/cni/net.d'
[plugins.'io.containerd.grpc.v1.cri'.registry]\r
config_path = ""
[[proxy]]
name = "a"
[[proxy]]
name = "b"
[proxy.more]
x.y = true
"a.b".c = 1_000
`;
  expect(plain(parseToml(text))).toEqual({
    version: 2,
    plugins: {
      'io.containerd.grpc.v1.cri': {
        cni: { bin_dir: '/opt/cni/bin', conf_dir: '/etc/cni/net.d' },
        registry: { config_path: '' },
      },
    },
    proxy: [{ name: 'a' }, { name: 'b', more: { x: { y: true }, 'a.b': { c: 1000 } } }],
  });
});

test.each([
  ['a = "x\\ty\\u00e9\\"#"', 'x\ty\u00e9"#'],
  ["a = 'C:\\dir'", 'C:\\dir'],
  ['a = """\none\n  two \\\n   three"""', 'one\n  two three'],
  ['a = """she said ""hi"" """', 'she said ""hi"" '],
  ["a = '''\nno \\escape'''", 'no \\escape'],
  ['a = [1, 2, # c\n 3,\n]', [1, 2, 3]],
  ['a = [["x"], []]', [['x'], []]],
  ['a = {b = 1, "c.d" = [true]}', { b: 1, 'c.d': [true] }],
  ['a = {}', {}],
  ['a = -0.5e3', -500],
  ['a = 0xff', 255],
  ['a = 1979-05-27 07:32:00Z', '1979-05-27 07:32:00Z'],
  ['a = false', false],
  ['\uFEFFa = 1', 1],
])('reads %s', (text, expected) => {
  expect(JSON.parse(JSON.stringify(parseToml(text).a))).toEqual(expected);
});

test.each([
  ['a', 'line 1'],
  ['a = ', 'line 1'],
  ['\n\na = "x', 'line 3'],
  ['a = 1 b = 2', 'line 1'],
  ['[a', 'line 1'],
  ['a = [1', 'line 1'],
  ['a = hello', 'hello'],
  ['a = 1\n[a.b]', 'line 2'],
  ['a = "\\q"', '\\q'],
  [`a = ${'['.repeat(5000)}`, 'nesting'],
])('refuses %s with the line', (text, expected) => {
  expect(() => parseToml(text)).toThrow(UnreadableToml);
  expect(() => parseToml(text)).toThrow(expected);
});

test('a key of any name is only a key', () => {
  const table = parseToml('__proto__.polluted = true\n[constructor]\nx = 1');
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(tomlAt(table, 'toString')).toBeUndefined();
  expect(tomlAt(table, '__proto__', 'polluted')).toBe(true);
});

test('an imported file wins key by key', () => {
  const merged = mergeToml(parseToml('[a]\nx = 1\ny = 2'), parseToml('[a]\ny = 3\n[b]\nz = []'));
  expect(plain(merged)).toEqual({ a: { x: 1, y: 3 }, b: { z: [] } });
});

test('takes no more than linear time for what is made to slow it', () => {
  const started = performance.now();
  for (const text of [`a = """${'"" '.repeat(50_000)}`, `a = "${'\\\\'.repeat(100_000)}`, `${' \n#x'.repeat(50_000)}`])
    expect(() => parseToml(`${text}\n[`)).toThrow(UnreadableToml);
  expect(performance.now() - started).toBeLessThan(1500);
});
