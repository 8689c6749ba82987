import { expect, test } from 'vitest';
import { listLoadedFiles, listPluginTypes, parseCniFile } from './parse-cni-file.ts';

const bridge = '{"cniVersion":"0.4.0","name":"podnet","type":"bridge","ipam":{"type":"host-local"}}';
const list =
  '{"cniVersion":"0.4.0","name":"podnet","plugins":[{"type":"bridge","ipam":{"type":"host-local"}},{"type":"portmap"}]}';

function faults(name: string, content: string): string[] {
  return parseCniFile({ name, content }).problems.map(({ fault }) => fault);
}

test('reads a single configuration and a list to the same shape', () => {
  expect(parseCniFile({ name: 'a.conf', content: bridge }).list).toMatchObject({
    name: 'podnet',
    cniVersion: '0.4.0',
    plugins: [{ type: 'bridge', ipam: 'host-local' }],
  });
  const read = parseCniFile({ name: 'a.conflist', content: list });
  expect(read.problems).toEqual([]);
  expect(listPluginTypes(read.list!)).toEqual(['bridge', 'host-local', 'portmap']);
});

test('treats .json like .conf, as runtimes do', () => {
  expect(parseCniFile({ name: 'a.json', content: bridge }).list?.plugins).toHaveLength(1);
  expect(faults('a.json', list)).toEqual(['list-in-conf']);
});

test.each([
  ['a byte order mark', '\uFEFF' + list, ['byte-order-mark']],
  ['text after the value', list + '\n// end', ['json']],
  ['two values', list + '{}', ['json']],
  ['an empty file', '', ['json']],
  ['half a file', list.slice(0, 40), ['json']],
  ['a comment', '// list\n' + list, ['json']],
  ['an array', '[]', ['json']],
  ['null', 'null', ['json']],
  ['a single configuration', bridge, ['conf-in-list']],
  ['no name', '{"cniVersion":"0.4.0","plugins":[{"type":"bridge"}]}', ['no-name']],
  ['an empty name', '{"name":"","plugins":[{"type":"bridge"}]}', ['no-name']],
  ['a name with a space', '{"name":"pod net","plugins":[{"type":"bridge"}]}', ['bad-name']],
  ['no plugins', '{"name":"a","plugins":[]}', ['no-plugins']],
  ['plugins that are no list', '{"name":"a","plugins":{}}', ['no-plugins']],
  ['a plugin without type', '{"name":"a","plugins":[{"name":"x"}]}', ['no-type']],
  ['a plugin that is text', '{"name":"a","plugins":["bridge"]}', ['bad-field']],
  ['addresses by name alone', '{"name":"a","plugins":[{"type":"bridge","ipam":"host-local"}]}', ['bad-field']],
  [
    'an address manager that is a number',
    '{"name":"a","plugins":[{"type":"bridge","ipam":{"type":5}}]}',
    ['bad-field'],
  ],
  ['a capability that is text', '{"name":"a","plugins":[{"type":"b","capabilities":{"x":"true"}}]}', ['bad-field']],
  ['capabilities as a list', '{"name":"a","plugins":[{"type":"b","Capabilities":["portMappings"]}]}', ['bad-field']],
  [
    'a name server that is no list',
    '{"name":"a","plugins":[{"type":"b","dns":{"nameservers":"1.1.1.1"}}]}',
    ['bad-field'],
  ],
  ['an earlier result that is text', '{"name":"a","plugins":[{"type":"b","prevResult":"x"}]}', ['bad-field']],
  ['null where nothing must be', '{"name":"a","plugins":[{"type":"b","ipam":null,"dns":{"search":null}}]}', []],
  ['a number beyond float64', '{"name":"a","plugins":[{"type":"b","mtu":1e400}]}', ['json']],
  ['such a number in a text', '{"name":"a","plugins":[{"type":"b","note":"\\"1e400"}]}', []],
  ['a number beyond 64 bits', '{"name":"a","plugins":[{"type":"b","id":18446744073709551616}]}', []],
  ['a version that is a number', '{"cniVersion":0.4,"name":"a","plugins":[{"type":"bridge"}]}', ['bad-field']],
])('finds in a list: %s', (_, content, expected) => {
  expect(faults('a.conflist', content)).toEqual(expected);
});

test('leaves line ends, order and unknown fields in peace', () => {
  expect(faults('a.conflist', list.replaceAll(',', ',\r\n\t'))).toEqual([]);
  expect(faults('a.conf', '{"type":"galaxy-sdn","capabilities":{"portMappings":true},"name":"galaxy"}')).toEqual([]);
});

test('lets the last of duplicate keys win, and matches a plugin’s fields in any case, as Go does', () => {
  expect(
    parseCniFile({ name: 'a.conf', content: '{"name":"a","type":"x","type":"bridge"}' }).list?.plugins[0]?.type,
  ).toBe('bridge');
  expect(parseCniFile({ name: 'a.conf', content: '{"name":"a","Type":"bridge"}' }).list?.plugins[0]?.type).toBe(
    'bridge',
  );
});

test('takes the implied version when none is written, and the highest of several', () => {
  expect(parseCniFile({ name: 'a.conf', content: '{"name":"a","type":"b"}' }).list).toMatchObject({
    cniVersion: '0.1.0',
    hasVersion: false,
  });
  const several = '{"cniVersion":"0.4.0","cniVersions":["1.0.0","1.1.0","0.3.1"],"name":"a","plugins":[{"type":"b"}]}';
  expect(parseCniFile({ name: 'a.conflist', content: several }).list?.cniVersion).toBe('1.1.0');
});

test('a single configuration without a name loads, and fails when a pod comes', () => {
  const read = parseCniFile({ name: 'a.conf', content: '{"type":"bridge"}' });
  expect(read.list).toBeDefined();
  expect(read.problems).toMatchObject([{ fault: 'no-name', blocksLoading: false }]);
});

test('says why an unreadable file is unreadable', () => {
  expect(parseCniFile({ name: 'a.conf', error: 'EACCES: permission denied' }).problems[0]?.message).toContain('EACCES');
});

test('orders by bytes and takes only what runtimes load', () => {
  const names = [
    '10-x.conflist',
    '10-x.conf',
    '00-a.conf.bak',
    '.hidden.tmp',
    '5.json',
    '05.conf',
    'Z.conf',
    'a.conf',
    'README',
  ];
  expect(listLoadedFiles(names.map((name) => ({ name }))).map(({ name }) => name)).toEqual([
    '05.conf',
    '10-x.conf',
    '10-x.conflist',
    '5.json',
    'Z.conf',
    'a.conf',
  ]);
});

test('knows what Multus delegates to', () => {
  const multus =
    '{"name":"m","type":"multus","delegates":[{"type":"calico"},{"name":"l","plugins":[{"type":"bridge"},{"type":"istio-cni"}]}]}';
  expect(listPluginTypes(parseCniFile({ name: '00-multus.conf', content: multus }).list!)).toEqual([
    'multus',
    'calico',
    'bridge',
    'istio-cni',
  ]);
});

test.each([
  ['1.1', '{"cniVersion":"0.4.0","cniVersions":["1.0.0"],"name":"a","plugins":[{"type":"b"}]}', '0.4.0'],
  ['1.2', '{"cniVersion":"0.4.0","cniVersions":["1.0.0"],"name":"a","plugins":[{"type":"b"}]}', '1.0.0'],
  ['1.3', '{"cniVersions":["9.0.0","1.0.0"],"name":"a","plugins":[{"type":"b"}]}', '1.0.0'],
  ['1.3', '{"cniVersion":"9.0.0","name":"a","plugins":[{"type":"b"}]}', '9.0.0'],
] as const)('a library of CNI %s takes %s for %s', (library, content, expected) => {
  expect(parseCniFile({ name: 'a.conflist', content }, library).list?.cniVersion).toBe(expected);
});

test.each([
  ['1.1', '"disableCheck":true', { disableCheck: true, disableGC: false, onlyInlined: true }],
  ['1.1', '"disableCheck":"true"', undefined],
  ['1.1', '"disableGC":"maybe"', { disableGC: false }],
  ['1.2', '"disableCheck":"True","disableGC":true', { disableCheck: true, disableGC: true }],
  ['1.2', '"disableGC":"maybe"', undefined],
  ['1.2', '"disableCheck":1', undefined],
  ['1.3', '"loadOnlyInlinedPlugins":"false"', { onlyInlined: false }],
  ['1.3', '"loadOnlyInlinedPlugins":true', { onlyInlined: true }],
  ['1.3', '"cniVersions":"1.0.0"', undefined],
] as const)('a library of CNI %s reads %s', (library, fields, expected) => {
  const content = `{${fields},"name":"a","plugins":[{"type":"b"}]}`;
  const { list } = parseCniFile({ name: 'a.conflist', content }, library);
  if (expected) expect(list).toMatchObject(expected);
  else expect(list).toBeUndefined();
});

test.each([
  ['1.1', '"cniVersions":["v1.0.0"]', true],
  ['1.2', '"cniVersions":["v1.0.0"]', false],
  ['1.3', '"cniVersions":["1.0.0","1.0.0.0"]', false],
  ['1.3', '"cniVersion":"latest","cniVersions":[]', false],
  ['1.3', '"cniVersion":"latest"', true],
  ['1.3', '"cniVersions":["1","1.0",""]', true],
] as const)('a library of CNI %s and %s: loads: %s', (library, fields, loads) => {
  const content = `{${fields},"name":"a","plugins":[{"type":"b"}]}`;
  expect(parseCniFile({ name: 'a.conflist', content }, library).list !== undefined).toBe(loads);
});

test('of the same key in two spellings the later in byte order counts, and null changes nothing', () => {
  const type = (plugin: string) =>
    parseCniFile({ name: 'a.conflist', content: `{"name":"a","plugins":[${plugin}]}` }).list?.plugins[0];
  expect(type('{"type":"small","Type":"big"}')?.type).toBe('small');
  expect(type('{"type":"b","TYPE":null}')?.type).toBe('b');
  expect(type('{"type":"b","ipam":{},"IPAM":{"type":"dhcp"}}')?.ipam).toBe('dhcp');
  expect(parseCniFile({ name: 'a.conf', content: '{"type":"b","name":"x","Name":"y"}' }).list?.name).toBe('y');
});

test('a newer library takes plugins from the folder of the network’s name, and loads nothing when one is broken', () => {
  const read = (list: string, folder: Record<string, string>, library: '1.2' | '1.3' = '1.3') =>
    parseCniFile({ name: 'a.conflist', content: list }, library, (network) =>
      network === 'net' ? Object.entries(folder).map(([name, content]) => ({ name, content })) : [],
    );
  const own = '{"name":"net","plugins":[{"type":"b"}]}';
  expect(read('{"name":"net"}', { 'x.conf': '{"type":"b"}' }).list?.plugins).toEqual([]);
  expect(read('{"name":"net"}', { 'x.conf': '{"type":"b"}' }, '1.2').list).toBeUndefined();
  expect(read('{"name":"net","loadOnlyInlinedPlugins":true}', { 'x.conf': '{"type":"b"}' }).list).toBeUndefined();
  expect(read('{"name":"net"}', { 'x.conflist': '{"type":"b"}' }).problems).toMatchObject([{ fault: 'no-plugins' }]);
  expect(read(own, { 'x.conf': '{' }).problems).toMatchObject([{ fault: 'folder', blocksLoading: true }]);
  expect(read(own, { 'x.conf': '{' }, '1.2').list).toBeDefined();
  expect(read(own, { 'x.conf.bak': '{' }).list).toBeDefined();
  expect(read('{"name":5}', {}).network).toBeUndefined();
  expect(read('{"name":"net"}', {}).network).toBe('net');
});

test('knows that Flannel leaves the work to other programs', () => {
  const types = (delegate: object) =>
    listPluginTypes(
      parseCniFile({ name: 'f.conf', content: JSON.stringify({ name: 'cbr0', type: 'flannel', delegate }) }).list!,
    );
  expect(types({ isDefaultGateway: true })).toEqual(['flannel', 'bridge', 'host-local']);
  expect(types({ type: 'ptp', ipam: { type: 'dhcp' } })).toEqual(['flannel', 'ptp', 'dhcp']);
});
