import { chownSync, lchownSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { install, plan } from './install.ts';
import { type Layout, placeProgram, testNode } from './test-node.ts';
import { uninstall } from './uninstall.ts';

const modern = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0'];
const entry = { type: 'meshloom-cni', text: '{"type":"meshloom-cni"}' };

const version = fc.constantFrom('', '"cniVersion":"0.2.0",', '"cniVersion": "0.4.0",\n', '"cniVersion":"1.0.0",\r\n\t');
const conf = fc
  .tuple(version, fc.constantFrom('bridge', 'bridge', 'galaxy-sdn'), fc.constantFrom('', '\n', '\r\n  '))
  .map(([v, type, s]) => `{${s}${v}"name":"n","x":1.0,"x":2,${s}"type":"${type}"${s}}${s}`);
const list = fc
  .tuple(
    version,
    fc.subarray(['bridge', 'portmap', 'tuning'], { minLength: 1 }),
    fc.constantFrom('', '\n    ', '\r\n\t'),
  )
  .map(
    ([v, types, s]) =>
      `{${v}"name":"n","plugins":[${s}${types.map((type) => `{"type":"${type}","mtu":1e3}`).join(`,${s}`)}${s}]}\n`,
  );
const file = fc.record({
  stem: fc.constantFrom('00-a', '05-ö', '10-b', 'z'),
  form: fc.oneof(
    fc.tuple(fc.constantFrom('.conf', '.json'), conf),
    fc.tuple(fc.constant('.conflist'), list),
    fc.constantFrom(
      ['.bak', 'x'] as const,
      ['', '\uFEFF'] as const,
      ['.conf', '/'] as const,
      ['.conflist', '{'] as const,
    ),
  ),
  mode: fc.constantFrom(0o644, 0o600, 0o640, 0o4755),
  link: fc.boolean(),
  owner: fc.constantFrom(0, 0, 1000, 65534),
});
const directory = fc.uniqueArray(file, { selector: ({ stem, form }) => stem + form[0], minLength: 1, maxLength: 5 });

test(
  'on real directories of any sort: a plan writes nothing, twice is once, and uninstalling gives names, bytes, modes, owners and links back',
  { timeout: 120_000 },
  async () => {
    let changed = 0;
    await fc.assert(
      fc.asyncProperty(
        directory,
        fc.boolean(),
        fc.constantFrom('chained' as const, 'standalone' as const),
        async (files, withProgram, mode) => {
          const layout: Layout = Object.fromEntries(
            files.map(({ stem, form: [end, text], mode, link }) => [
              stem + end,
              link && text !== '/' ? `-> ${text}` : [text, mode],
            ]),
          );
          const node = testNode(layout, {
            bridge: modern,
            portmap: modern,
            tuning: modern,
            'galaxy-sdn': modern.slice(0, 2),
          });
          try {
            if (process.getuid!() === 0) {
              for (const { stem, form, owner, link } of files)
                (link ? lchownSync : chownSync)(join(node.confDir, stem + form[0]), owner, owner);
            }
            const program = join(node.root, 'ours');
            placeProgram(withProgram ? program : join(node.binDir, entry.type), modern);
            const request = { entry, mode, ...(withProgram && { program }) };
            const original = [node.snapshot(), node.snapshot(node.binDir)];
            const planned = await plan(node.world(), request);
            expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual(original);
            const done = await install(node.world(), request);
            expect([done.plan.action, done.exit]).toEqual([planned.plan.action, planned.exit]);
            const installed = [node.snapshot(), node.snapshot(node.binDir)];
            if (done.exit !== 0) {
              expect(installed).toEqual(original);
              return;
            }
            changed++;
            expect(node.complaint()).toBeUndefined();
            if (mode === 'standalone') expect(done.plan.result).toBe(planned.plan.effective);
            expect((await install(node.world(), request)).plan.action).toBe('none');
            expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual(installed);
            expect((await uninstall(node.world(), {})).exit).toBe(0);
            expect([node.snapshot(), node.snapshot(node.binDir)]).toEqual(original);
          } finally {
            node.remove();
          }
        },
      ),
      { numRuns: Number(process.env.MESHLOOM_DIRECTORIES ?? 300) },
    );
    expect(changed).toBeGreaterThan(50);
  },
);
