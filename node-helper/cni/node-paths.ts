/** Where things lie on this node, for one CNI directory. */
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { pluginType } from '../../contract/cni-plugin.ts';
import type { Disk } from '../host-disk.ts';

export interface CniPaths {
  confDir: string;
  /** Where our program is put. */
  binDir: string;
  /** All directories in which the runtime looks for plugins, in its order; absent: `binDir` alone. */
  binDirs?: readonly string[];
  /** Ours: journal, lock and saved programs. Never inside the configuration directory. */
  stateDir: string;
  /** libcni’s cache: what running pods were connected with. */
  resultsDir: string;
}

export const defaultPaths: CniPaths = {
  confDir: '/etc/cni/net.d',
  binDir: '/opt/cni/bin',
  stateDir: '/var/lib/meshloom/cni',
  resultsDir: '/var/lib/cni/results',
};

/** Something is wrong with what we were given or found; nothing was changed. Exit code 2. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The places in the state directory that belong to one configuration directory, and names for its temporary files. */
export class StatePlaces {
  readonly directory: string;
  readonly journal: string;
  readonly savedProgram: string;
  readonly repairs: string;
  private readonly key: string;
  private count = 0;

  /** @param type of the plugin: each has a journal of its own, since each is installed and taken back by itself. */
  constructor(disk: Disk, { confDir, stateDir }: CniPaths, type = pluginType) {
    const real = disk.realPath(confDir);
    const state = realPathOfDeepest(disk, resolve(stateDir));
    if (state === real || state.startsWith(`${real}/`)) {
      throw new Refused(
        'state-dir',
        `The state directory ${stateDir} lies inside ${confDir}, where runtimes look for configurations: choose another with --state-dir.`,
      );
    }
    this.key = createHash('sha256').update(real).digest('hex').slice(0, 12);
    this.directory = join(stateDir, this.key);
    const own = type === pluginType ? '' : `-${createHash('sha256').update(type).digest('hex').slice(0, 12)}`;
    this.journal = join(this.directory, `journal${own}.json`);
    this.repairs = join(this.directory, 'repairs.json');
    this.savedProgram = join(this.directory, `replaced-program${own}`);
  }

  /** A name that no runtime loads and that the next run knows as ours. */
  temporary(directory: string): string {
    return join(directory, `.meshloom-${this.key}-${process.pid}-${this.count++}.tmp`);
  }

  isTemporary(name: string): boolean {
    return name.startsWith(`.meshloom-${this.key}-`) && name.endsWith('.tmp');
  }

  /** Makes the state directory, level by level. */
  make(disk: Disk): void {
    const missing: string[] = [];
    for (let path = resolve(this.directory); !disk.lookBehind(path); path = dirname(path)) missing.unshift(path);
    for (const path of missing) {
      disk.makeDirectory(path);
      disk.syncDirectory(dirname(path));
    }
  }
}

function realPathOfDeepest(disk: Disk, path: string): string {
  if (disk.lookBehind(path)) return disk.realPath(path);
  const above = dirname(path);
  return above === path ? path : join(realPathOfDeepest(disk, above), path.slice(above.length));
}
