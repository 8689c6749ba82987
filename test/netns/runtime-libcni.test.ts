/**
 * Our reading of a configuration directory, judged by the CNI library itself and by containerd's use of it (go-cni), in the
 * releases that runtimes are built with: which files, in which order, what each says, which one is in force.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CniFolder, PluginVersions } from '../../mesh/cni/cni-chain.ts';
import { type CniFileText, type CniLibrary, listLoadedFiles, parseCniFile } from '../../mesh/cni/parse-cni-file.ts';
import { type CniChain, describeChain } from '../../mesh/cni/read-chain.ts';
import { probeProgram } from '../../node-helper/read-cni.ts';
import { realHost } from '../../node-helper/host.ts';
import { findJudges } from './judges/build.ts';

const libraries = ['1.1', '1.2', '1.3'] as const;
/** Releases of containerd with these libraries. */
const releases: Record<CniLibrary, string> = { '1.1': '1.7.27', '1.2': '2.0.5', '1.3': '2.4.2' };
const judges = await findJudges('libcni-1.1', 'libcni-1.2', 'libcni-1.3');
const why = 'reason' in judges ? judges.reason : undefined;
if (why !== undefined) console.warn(`the CNI library as a judge is skipped: ${why}`);

// ---- directories ------------------------------------------------------------------------------------------------------

/** Names and what stands there; a path below makes a folder, `-> x` a link. */
type Directory = Record<string, string>;

/** Numbers that are the same in every run: a finding can be found again. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Maker {
  readonly #next: () => number;
  constructor(seed: number) {
    this.#next = dice(seed);
  }

  some<T>(...choices: readonly T[]): T {
    return choices[Math.floor(this.#next() * choices.length)]!;
  }

  chance(of: number): boolean {
    return this.#next() < of;
  }

  /** Any JSON at all, where something else is expected. */
  odd(): unknown {
    return this.some<unknown>(
      null,
      true,
      false,
      0,
      1.5,
      '',
      'x',
      'true',
      'False',
      [],
      ['x'],
      [null],
      {},
      { type: 'x' },
    );
  }

  version(): string {
    return this.some(
      '0.1.0',
      '0.2.0',
      '0.3.1',
      '0.4.0',
      '1.0.0',
      '1.1.0',
      '1.2.0',
      '9.0',
      '1',
      '',
      'v1.0.0',
      '1.0.0-rc',
      '1.0.0.0',
    );
  }

  /** In a folder’s files the order of the text decides between `type` and `Type`: nobody writes both there, and we do not tell. */
  #plain = false;
  key(name: string): string {
    return this.chance(0.06) && !this.#plain
      ? this.some(name.toUpperCase(), name[0]!.toUpperCase() + name.slice(1))
      : name;
  }

  plugin(): Record<string, unknown> {
    const plugin: Record<string, unknown> = {};
    if (!this.chance(0.05)) plugin[this.key('type')] = this.some('good', 'good', 'old', 'absent', 'broken');
    if (this.chance(0.05)) plugin[this.key('type')] = this.odd();
    if (this.chance(0.5))
      plugin[this.key('ipam')] = this.chance(0.1) ? this.odd() : { [this.key('type')]: 'host-local' };
    if (this.chance(0.1)) plugin[this.key('ipam')] = this.some<unknown>({}, { type: 'dhcp' }, { subnet: '10.0.0.0/8' });
    if (this.chance(0.15)) plugin[this.key('name')] = this.chance(0.2) ? this.odd() : 'inner';
    if (this.chance(0.15))
      plugin[this.key('capabilities')] = this.chance(0.3)
        ? this.odd()
        : { portMappings: this.some<unknown>(true, null, 1) };
    if (this.chance(0.15))
      plugin[this.key('dns')] = this.chance(0.3)
        ? this.odd()
        : { nameservers: this.some<unknown>(['1.1.1.1'], null, [null], [1], 'x') };
    if (this.chance(0.08)) plugin[this.key('prevResult')] = this.odd();
    if (this.chance(0.08))
      plugin['cni.dev/valid-attachments'] = this.some<unknown>(
        [],
        [null],
        [{ containerID: 'a', ifname: 'b' }],
        [{ ifname: 1 }],
        {},
        'x',
      );
    if (this.chance(0.1)) plugin.mtu = this.some<unknown>(1500, '1500', 1e300);
    if (this.chance(0.1)) plugin[this.key('cniVersion')] = this.chance(0.3) ? this.odd() : this.version();
    return plugin;
  }

  list(name: string): Record<string, unknown> {
    const list: Record<string, unknown> = {};
    if (!this.chance(0.05)) list.name = name;
    if (this.chance(0.04)) list.name = this.odd() || 'x';
    if (!this.chance(0.1)) list.cniVersion = this.chance(0.05) ? this.odd() : this.version();
    if (this.chance(0.35))
      list.cniVersions = this.chance(0.1)
        ? this.odd()
        : Array.from({ length: this.some(0, 1, 2, 3) }, () => (this.chance(0.04) ? this.odd() : this.version()));
    for (const flag of ['disableCheck', 'disableGC', 'loadOnlyInlinedPlugins'])
      if (this.chance(0.2)) list[flag] = this.some<unknown>(true, false, 'true', 'FALSE', 'yes', 1, null);
    if (!this.chance(0.15))
      list.plugins = this.chance(0.05)
        ? this.odd()
        : Array.from({ length: this.some(1, 1, 2, 3, 0) }, () => (this.chance(0.03) ? this.odd() : this.plugin()));
    if (this.chance(0.05)) list.type = 'good';
    return list;
  }

  text(value: unknown): string {
    const text = JSON.stringify(value, undefined, this.some(0, 2));
    if (this.chance(0.9)) return text;
    return this.some(
      '\uFEFF' + text,
      `${text}x`,
      text.slice(0, -1),
      '',
      `// a\n${text}`,
      `\r\n${text}\r\n`,
      text.replace('{', '{"mtu":1e999,'),
      `${text}${text}`,
    );
  }

  directory(): Directory {
    const made: Directory = {};
    for (let left = this.some(1, 1, 2, 3); left > 0; left--) {
      const name = this.some('podnet', 'podnet', 'other', 'pod net');
      const stem = this.some('00-a', '10-b', '10-B', '9', '100', 'é', '', '.hidden');
      const kind = this.some('.conflist', '.conflist', '.conf', '.json', '.conf.bak', '.CONF');
      const content =
        kind === '.conflist' || this.chance(0.1)
          ? this.list(name)
          : { ...this.plugin(), ...(!this.chance(0.1) && { name }) };
      made[stem + kind] = this.text(content);
      if (this.chance(0.05)) made[`${stem}${kind}`] = this.some('-> nowhere', '-> podnet', '-> 00-a.conf');
    }
    this.#plain = true;
    if (this.chance(0.3))
      for (let left = this.some(1, 1, 2); left > 0; left--)
        made[`podnet/${this.some('a', 'b')}${this.some('.conf', '.conf', '.conflist', '.txt')}`] = this.text(
          this.plugin(),
        );
    if (this.chance(0.1)) made['00-folder.conf/x'] = '';
    return made;
  }
}

const root = mkdtempSync(join(tmpdir(), 'meshloom-libcni-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const binDir = join(root, 'bin');
mkdirSync(binDir);
const answers = {
  good: `echo '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}'`,
  old: `echo '{"cniVersion":"0.2.0"}'`,
  broken: 'echo garbage',
};
for (const [name, says] of Object.entries(answers)) {
  writeFileSync(join(binDir, name), `#!/bin/sh\n${says}\n`);
  chmodSync(join(binDir, name), 0o755);
}

function put(number: number, made: Directory): string {
  const directory = join(root, String(number));
  mkdirSync(directory);
  for (const [name, content] of Object.entries(made)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    try {
      if (content.startsWith('-> ')) symlinkSync(content.slice(3), join(directory, name));
      else writeFileSync(join(directory, name), content);
    } catch {
      // A name that is a folder already.
    }
  }
  return directory;
}

/** As the node helper reads it. */
function readDirectory(directory: string): CniFileText[] {
  return readdirSync(directory, { withFileTypes: true }).map((entry): CniFileText => {
    if (entry.isDirectory()) return { name: entry.name, directory: true };
    try {
      return { name: entry.name, content: readFileSync(join(directory, entry.name), 'utf8') };
    } catch (error) {
      return { name: entry.name, error: (error as Error).message };
    }
  });
}

function readFolders(directory: string): CniFolder[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ path: join(directory, name), files: readDirectory(join(directory, name)) }));
}

// ---- both verdicts in one form ----------------------------------------------------------------------------------------

interface Network {
  name: string;
  cniVersion: string;
  types: string[];
  disableCheck: boolean;
  disableGC: boolean;
}

interface Verdict {
  order: string[];
  /** What loads of them, by name. */
  files: Record<string, Network | 'refused'>;
  /** What containerd has; nothing when it has none. */
  loaded?: Pick<Network, 'name' | 'cniVersion' | 'types'>;
  /** The file that CRI-O takes. */
  stepped?: string;
}

interface JudgedList {
  Name: string;
  CNIVersion: string;
  DisableCheck?: boolean;
  DisableGC?: boolean;
  Plugins: { Network: { type: string } }[];
}
interface Judged {
  order: string[];
  files: { name: string; list?: JudgedList; invalid?: string }[];
  loaded?: { Networks: { Config: JudgedList }[] };
}

function networkOf({ Name, CNIVersion, DisableCheck = false, DisableGC = false, Plugins }: JudgedList): Network {
  const types = Plugins.map(({ Network }) => Network.type);
  return { name: Name, cniVersion: CNIVersion, types, disableCheck: DisableCheck, disableGC: DisableGC };
}

function judged({ order, files, loaded }: Judged): Verdict {
  const first = loaded?.Networks[1]?.Config;
  const valid = files.find(({ list, invalid }) => list && invalid === undefined)?.name;
  const { name, cniVersion, types } = first ? networkOf(first) : ({} as Partial<Network>);
  return {
    order,
    files: Object.fromEntries(files.map((file) => [file.name, file.list ? networkOf(file.list) : 'refused'])),
    ...(first && { loaded: { name: name!, cniVersion: cniVersion!, types: types! } }),
    ...(valid !== undefined && { stepped: valid }),
  };
}

const effective = ({ name = '', cniVersion = '', plugins }: CniChain) => ({
  name,
  cniVersion,
  types: plugins.map(({ type }) => type),
});

function ours(
  directory: string,
  library: CniLibrary,
  plugins: readonly PluginVersions[],
  maxNetworks?: number,
): Verdict {
  const [files, folders] = [readDirectory(directory), readFolders(directory)];
  const about = { files, folders, confDir: directory, plugins };
  const runtimeCni = { confDir: directory, binDirs: [binDir], ...(maxNetworks !== undefined && { maxNetworks }) };
  const chain = describeChain({
    ...about,
    runtimeCni: { ...runtimeCni, program: 'containerd', version: releases[library] },
  });
  const crio = { '1.1': '1.29.1', '1.2': '1.31.0', '1.3': '1.34.0' }[library];
  const stepped = describeChain({ ...about, runtimeCni: { ...runtimeCni, program: 'crio', version: crio } }).effective
    ?.name;
  const order = listLoadedFiles(files);
  const beside = (network: string) => folders.find(({ path }) => path === join(directory, network))?.files ?? [];
  const found = order.map((file) => {
    const { list, kind } = parseCniFile(file, library, beside);
    if (!list) return [file.name, 'refused'] as const;
    const { name, hasVersion, cniVersion, disableCheck, disableGC, onlyInlined, plugins: entries } = list;
    const more =
      kind === 'conflist' && !onlyInlined
        ? listLoadedFiles(beside(name).filter((one) => one.name.endsWith('.conf')))
        : [];
    const types = [...entries, ...more.flatMap((one) => parseCniFile(one, library).list?.plugins ?? [])].map(
      ({ type }) => type,
    );
    return [file.name, { name, cniVersion: hasVersion ? cniVersion : '', types, disableCheck, disableGC }] as const;
  });
  return {
    order: order.map(({ name }) => name),
    files: Object.fromEntries(found),
    ...(chain.effective && { loaded: effective(chain) }),
    ...(stepped !== undefined && { stepped }),
  };
}

/** Nothing said means 0.1.0 to plugins; the library keeps it empty. */
function implied({ loaded, ...verdict }: Verdict): Verdict {
  return { ...verdict, ...(loaded && { loaded: { ...loaded, cniVersion: loaded.cniVersion || '0.1.0' } }) };
}

function ask(library: CniLibrary, directories: readonly string[], env: Record<string, string> = {}): Judged[] {
  const program = 'paths' in judges ? judges.paths[`libcni-${library}`] : '';
  const { stdout, stderr } = spawnSync(program, {
    input: directories.join('\n'),
    env: { CNI_PATH: binDir, PATH: process.env.PATH, ...env },
    encoding: 'utf8',
    maxBuffer: 256e6,
  });
  if (stdout === '') throw new Error(`${program}: ${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Judged);
}

/** Everything that a generated list may name. */
function probeAll(): Promise<PluginVersions[]> {
  const types = ['good', 'old', 'absent', 'broken', 'x', 'true', 'False'];
  return Promise.all(types.map((type) => probeProgram(realHost({ hostRoot: '' }), type, [binDir])));
}

describe.skipIf(why !== undefined)('the CNI library', () => {
  test.each(libraries)('%s reads generated directories as we do', { timeout: 120_000 }, async (library) => {
    const plugins = await probeAll();
    const count = process.env.MESHLOOM_TEST_LONG === '1' ? 4000 : 80;
    const offset = libraries.indexOf(library) * 100_000;
    const made = Array.from({ length: count }, (_, index) => new Maker(offset + index).directory());
    const directories = made.map((directory, index) => put(offset + index, directory));
    const verdicts = ask(library, directories);
    const differences = directories.flatMap((directory, index) => {
      const [theirs, our] = [implied(judged(verdicts[index]!)), implied(ours(directory, library, plugins))];
      return JSON.stringify(theirs) === JSON.stringify(our)
        ? []
        : [{ seed: offset + index, made: made[index], theirs, our, said: verdicts[index] }];
    });
    const loads = verdicts.filter(({ loaded }) => loaded).length;
    console.log(
      `CNI ${library}: ${count} directories, ${loads} of which containerd loads, ${differences.length} read otherwise`,
    );
    for (const { made: directory, theirs, our, seed } of differences.slice(0, 5))
      console.log(seed, directory, JSON.stringify(theirs), '\nours', JSON.stringify(our));
    expect(differences).toHaveLength(0);
    expect(loads).toBeGreaterThan(count / 20);
  });
});

describe.skipIf(why !== undefined)('containerd that loads several files', () => {
  test.each([2, 0])('(max_conf_num %s) has a network where we say so', { timeout: 120_000 }, async (maxNetworks) => {
    const plugins = await probeAll();
    const first = 400_000 + 10_000 * maxNetworks;
    const made = Array.from({ length: process.env.MESHLOOM_TEST_LONG === '1' ? 3000 : 100 }, (_, index) =>
      new Maker(first + index).directory(),
    );
    const directories = made.map((directory, index) => put(first + index, directory));
    const theirs = ask('1.3', directories, { MAX_CONF_NUM: String(maxNetworks), CNI_PATH: '' }).map(judged);
    const our = directories.map((directory) => ours(directory, '1.3', plugins, maxNetworks));
    const differences = made.filter((_, index) => {
      const [a, b] = [implied(theirs[index]!), our[index]!];
      return JSON.stringify(a.loaded) !== JSON.stringify(b.loaded);
    });
    for (const difference of differences.slice(0, 3)) console.log(difference, theirs[made.indexOf(difference)]);
    expect(differences).toEqual([]);
  });
});

// ---- dockershim -------------------------------------------------------------------------------------------------------

const shim = await findJudges('dockershim');
const whyNoShim = 'reason' in shim ? shim.reason : undefined;
if (whyNoShim !== undefined) console.warn(`the kubelet’s part for Docker as a judge is skipped: ${whyNoShim}`);

describe.skipIf(whyNoShim !== undefined)('the kubelet’s part for Docker', () => {
  test('takes the network that we say', { timeout: 120_000 }, async () => {
    const plugins = await probeAll();
    const count = process.env.MESHLOOM_TEST_LONG === '1' ? 4000 : 80;
    const made = Array.from({ length: count }, (_, index) => new Maker(300_000 + index).directory());
    const directories = made.map((directory, index) => put(300_000 + index, directory));
    const { stdout, stderr } = spawnSync('paths' in shim ? shim.paths.dockershim : '', {
      input: directories.join('\n'),
      env: { CNI_PATH: binDir, PATH: process.env.PATH },
      encoding: 'utf8',
    });
    if (stdout === '') throw new Error(stderr);
    const theirs = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name?: string; crashed?: boolean });
    const ours = directories.map((directory) => {
      const about = { files: readDirectory(directory), folders: readFolders(directory), confDir: directory, plugins };
      const runtimeCni = { confDir: directory, binDirs: [binDir], program: 'kubelet', version: 'v1.23.17' };
      return describeChain({ ...about, runtimeCni }).name;
    });
    const differences = made.filter((_, index) => !theirs[index]!.crashed && theirs[index]!.name !== ours[index]);
    const taken = theirs.filter(({ name }) => name !== undefined).length;
    console.log(`kubelet 1.23: ${count} directories, ${taken} with a network, ${differences.length} read otherwise`);
    for (const difference of differences.slice(0, 5)) {
      const index = made.indexOf(difference);
      console.log(difference, theirs[index], ours[index]);
    }
    expect(differences).toHaveLength(0);
    expect(taken).toBeGreaterThan(count / 20);
  });
});
