import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { RuntimeCni } from '../../contract/node-helper.ts';
import { realHost } from '../host.ts';
import { answerCni } from './answer-cni.ts';
import { StatePlaces } from './node-paths.ts';
import { diskBelow } from '../disk-below.ts';
import { realDisk } from '../host-disk.ts';
import { placeProgram } from './test-node.ts';

const old = ['0.1.0', '0.2.0'];
const modern = [...old, '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
const galaxy = '{"name":"galaxy","type":"galaxy-sdn"}\n';

const roots: string[] = [];
afterEach(() => roots.splice(0).forEach((root) => rmSync(root, { recursive: true, force: true })));

/** A host below a prefix, as the helper's container sees it; its links are meant for the host's root. */
function hostBelow() {
  const root = mkdtempSync(join(tmpdir(), 'meshloom-host-'));
  roots.push(root);
  mkdirSync(join(root, 'proc'));
  const below = (path: string) => join(root, 'host', path);
  for (const path of ['etc/kubernetes/cni', 'etc/cni', 'opt/cni/bin', 'srv', 'var/lib'])
    mkdirSync(below(path), { recursive: true });
  symlinkSync('/etc/kubernetes/cni', below('etc/cni/net.d'));
  writeFileSync(below('srv/galaxy.conf'), galaxy);
  symlinkSync('/srv/galaxy.conf', below('etc/kubernetes/cni/00-galaxy.conf'));
  placeProgram(below('opt/cni/bin/galaxy-sdn'), old);
  const program = join(root, 'ours');
  placeProgram(program, modern);
  const host = realHost({ hostRoot: join(root, 'host'), proc: join(root, 'proc') });
  const disk = diskBelow(host.hostRoot, realDisk());
  const paths = {
    confDir: '/etc/cni/net.d',
    binDir: '/opt/cni/bin',
    stateDir: '/var/lib/meshloom/cni',
    resultsDir: '/var/lib/cni/results',
  };
  const runtime: RuntimeCni = {
    program: 'containerd',
    source: 'status',
    confDir: '/etc/cni/net.d',
    binDirs: ['/opt/cni/bin'],
    lastLoad: '',
  };
  return {
    below,
    host,
    program,
    runtime,
    journal: () => JSON.parse(readFileSync(below(new StatePlaces(disk, paths).journal), 'utf8')) as object,
  };
}

test('on a host below a prefix: paths and links are the host’s, and all of it comes back', async () => {
  const { below, host, program, runtime, journal } = hostBelow();
  const around = { program, askRuntime: () => Promise.resolve(runtime) };
  const where = { confDir: '/etc/cni/net.d', binDir: '/opt/cni/bin' };
  const planned = await answerCni(host, { action: 'plan', ...where }, around);
  expect(planned).toMatchObject({ exit: 0, plannedFor: 'install', ...where, before: { '00-galaxy.conf': galaxy } });
  expect(readdirSync(below('etc/kubernetes/cni'))).toEqual(['00-galaxy.conf']);
  const done = await answerCni(host, { action: 'install', ...where }, around);
  expect(done).toMatchObject({ exit: 0, plan: { action: 'convert', result: '00-galaxy.conflist', problems: [] } });
  expect(readdirSync(below('etc/kubernetes/cni'))).toEqual(['00-galaxy.conflist']);
  expect(readdirSync(below('opt/cni/bin'))).toEqual(['galaxy-sdn', 'meshloom-cni']);
  expect(journal()).toMatchObject({ confDir: '/etc/cni/net.d', program: { path: '/opt/cni/bin/meshloom-cni' } });
  const looked = await answerCni(host, { action: 'plan', planFor: 'uninstall', ...where }, around);
  expect(looked.plan).toMatchObject({ action: 'restore', removes: ['00-galaxy.conflist'] });
  expect((await answerCni(host, { action: 'uninstall', ...where }, around)).exit).toBe(0);
  expect(readFileSync(below('srv/galaxy.conf'), 'utf8')).toBe(galaxy);
  expect(readdirSync(below('etc/kubernetes/cni'))).toEqual(['00-galaxy.conf']);
  expect(readdirSync(below('opt/cni/bin'))).toEqual(['galaxy-sdn']);
});

test('stand-alone, and with an entry that is none', async () => {
  const { below, host, program, runtime } = hostBelow();
  const around = { program, askRuntime: () => Promise.resolve(runtime) };
  const where = { confDir: '/etc/cni/net.d', binDir: '/opt/cni/bin' };
  const done = await answerCni(host, { action: 'install', mode: 'standalone', ...where }, around);
  expect(done.plan).toMatchObject({ action: 'insert', result: '00-galaxy.conf', cniVersion: '0.2.0' });
  expect(readdirSync(below('etc/kubernetes/cni'))).toEqual(['00-galaxy.conf', '99-meshloom-cni.conf']);
  await answerCni(host, { action: 'uninstall', ...where }, around);
  expect(readdirSync(below('etc/kubernetes/cni'))).toEqual(['00-galaxy.conf']);
  const unusable = ['[]', '{"type":"x","capabilities":["a"]}', '{"type":"x","n":1e400}', '{"type":"x","Type":"y"}'];
  for (const entry of unusable)
    expect(await answerCni(host, { action: 'install', entry, ...where }, around)).toMatchObject({
      exit: 2,
      plan: { action: 'refuse', problems: [{ code: 'plugin-conf' }] },
    });
  expect(readdirSync(below('etc/kubernetes/cni'))).toEqual(['00-galaxy.conf']);
});

describe('the runtime', () => {
  const where = { confDir: '/etc/cni/net.d', binDir: '/opt/cni/bin' };

  test('that cannot load what was written makes us put everything back', async () => {
    const { below, host, program, runtime } = hostBelow();
    const askRuntime = () => {
      const isOurs = readdirSync(below('etc/kubernetes/cni')).includes('00-galaxy.conflist');
      return Promise.resolve({ ...runtime, lastLoad: isOurs ? 'cni config load failed: no' : '' });
    };
    const done = await answerCni(host, { action: 'install', ...where }, { program, askRuntime });
    expect(done).toMatchObject({ exit: 2, plan: { action: 'refuse', problems: [{ code: 'ML2024' }] } });
    expect(done.plan.problems[0]!.message).toContain('cni config load failed: no');
    expect(readdirSync(below('etc/kubernetes/cni'))).toEqual(['00-galaxy.conf']);
    expect(readdirSync(below('opt/cni/bin'))).toEqual(['galaxy-sdn']);
  });

  test('that failed before is not our doing; one that does not answer, or has not noticed, is told', async () => {
    const codes = async (said: Partial<RuntimeCni> | undefined) => {
      const { host, program, runtime } = hostBelow();
      const askRuntime = () => Promise.resolve(said && { ...runtime, ...said });
      const done = await answerCni(host, { action: 'install', ...where }, { program, askRuntime });
      return [done.exit, ...done.plan.problems.map(({ code }) => code)];
    };
    expect(await codes({ lastLoad: 'it is broken' })).toEqual([0, 'ML2024']);
    expect(await codes(undefined)).toEqual([0, 'not-verified']);
    expect(await codes({ confDir: '/elsewhere' })).toEqual([0, 'not-verified']);
    expect(await codes({ loadedTexts: [galaxy] })).toEqual([0, 'ML2025']);
  });

  test('that is told to use another network gets none into the first file', async () => {
    const { host, program, runtime } = hostBelow();
    const around = (defaultNetwork: string) => ({
      program,
      askRuntime: () => Promise.resolve({ ...runtime, program: 'crio', defaultNetwork }),
    });
    const other = await answerCni(host, { action: 'plan', ...where }, around('podnet'));
    expect(other).toMatchObject({ exit: 2, plan: { problems: [{ code: 'default-network' }] } });
    expect((await answerCni(host, { action: 'plan', ...where }, around('galaxy'))).exit).toBe(0);
  });

  test('that loads all files gets no stand-alone configuration', async () => {
    const { host, program, runtime } = hostBelow();
    const askRuntime = () => Promise.resolve({ ...runtime, maxNetworks: 0 });
    const done = await answerCni(host, { action: 'install', mode: 'standalone', ...where }, { program, askRuntime });
    expect(done).toMatchObject({ exit: 2, plan: { problems: [{ code: 'all-loaded' }] } });
  });
});
