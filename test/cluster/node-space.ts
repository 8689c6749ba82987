/**
 * The machine that the test's cluster thinks it runs on: process ids, mounts and network of its own, all held by one
 * process. When that one is killed the kernel takes everything else away: kubelet, containers, mounts, interfaces. It is
 * killed when the test is over, and by the kernel when the test's own process dies.
 *
 *     this machine                               the node
 *     veth mlk-XXXXXX  198.18.71.1/30  ──────  eth0  198.18.71.2/30
 *     /tmp/meshloom-kube-XXXXXX                  the same
 *     /etc, /opt, /var/lib, /var/log             the same as a start; what is written goes to …/written and is gone afterwards
 *     /run                                       empty
 *     cgroup /meshloom-kube-XXXXXX               the kubelet's root
 */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

export const neededPrograms = ['ip', 'mount', 'nice', 'nsenter', 'openssl', 'setpriv', 'tar', 'unshare'];

const prefix = 'meshloom-kube-';
const cgroupMount = '/sys/fs/cgroup';

export interface NodeOptions {
  /** Directory on the node → directory of this machine to show there; what is written to it stays on the node. */
  mounts: Record<string, string>;
  /** The services' network. */
  routed: string;
}

/** What is written down so that a later run can clean up after a crash. */
interface Leavings {
  /** Process ids with their start times: a number alone may be another process by now. */
  owner: [pid: number, start: string];
  init?: [pid: number, start: string];
  link: string;
  cgroup: string;
}

export class NodeSpace {
  readonly directory: string;
  /** The node's address, and this machine's on the same wire. */
  readonly address: string;
  readonly machineAddress: string;
  /** Path of the cgroup that is the kubelet's root. */
  readonly cgroup: string;
  readonly #leavings: Leavings;
  #init = 0;
  #holder: ChildProcess | undefined;
  /** What was started, by name. */
  readonly #started = new Map<string, ChildProcess>();
  /** Log of a program that should run but does not → how it ended. */
  readonly #ended = new Map<string, string>();

  private constructor() {
    this.directory = mkdtempSync(join(tmpdir(), prefix));
    const name = basename(this.directory);
    const { machineAddress, address } = chooseNetwork();
    this.address = address;
    this.machineAddress = machineAddress;
    this.cgroup = `/${name}`;
    const link = `mlk-${name.slice(prefix.length)}`;
    this.#leavings = { owner: [process.pid, startTime(process.pid)!], link, cgroup: this.cgroup };
    this.#writeLeavings();
  }

  /** Makes the node after taking away what crashed runs left. */
  static async create(options: NodeOptions): Promise<NodeSpace> {
    cleanUpAfterCrashes();
    const space = new NodeSpace();
    try {
      await space.#open(options);
      return space;
    } catch (error) {
      await space.dispose();
      throw error;
    }
  }

  /** PID of the node's first process, as this machine counts: `/proc/PID/ns/…` are the node's namespaces. */
  get init(): number {
    return this.#init;
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  write(name: string, content: string, mode = 0o600): string {
    const path = this.path(name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, content, { mode });
    return path;
  }

  remove(name: string): void {
    rmSync(this.path(name), { force: true });
  }

  /** Starts a long-running program on the node under a name of its own (what `ps` shows); its output goes to `logs/NAME.log`. */
  start(name: string, program: string, args: string[], environment: Record<string, string> = {}): void {
    mkdirSync(this.path('bin'), { recursive: true });
    mkdirSync(this.path('logs'), { recursive: true });
    const named = this.path('bin', name);
    if (!existsSync(named)) symlinkSync(program, named);
    const logName = `${name}.log`;
    const log = openSync(this.path('logs', logName), 'a');
    const child = spawn('nsenter', [...this.#entry(), named, ...args], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...environment },
    });
    closeSync(log);
    this.#started.set(name, child);
    const isMissed = () => this.#started.get(name) === child;
    child.on('exit', (code, signal) => {
      if (isMissed()) this.#ended.set(logName, `ended with ${signal ?? `code ${code}`}`);
    });
    child.on('error', (error) => this.#ended.set(logName, error.message));
  }

  /** Lets a program that {@link start} started stand still. */
  pause(name: string): void {
    // nsenter first: it stops with its child where it sees that, and continues it at its own time.
    for (const pid of this.#pidsOf(name)) process.kill(pid, 'SIGSTOP');
  }

  resume(name: string): void {
    for (const pid of this.#pidsOf(name).reverse()) process.kill(pid, 'SIGCONT');
  }

  #pidsOf(name: string): number[] {
    const holder = this.#started.get(name)!.pid!;
    return [holder, childOf(holder)];
  }

  /** Kills a program that {@link start} started, as a power cut would; it can be started again. */
  async stop(name: string): Promise<void> {
    const holder = this.#started.get(name)!;
    this.#started.delete(name);
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    kill(childOf(holder.pid!));
    await ended;
  }

  /** Runs a program on the node to its end. @throws Error with what it said on standard error. */
  async run(argv: string[], { input = '', timeoutMs = 30_000 } = {}): Promise<string> {
    return await new Promise((resolve, reject) => {
      const options = { encoding: 'utf8' as const, maxBuffer: 64e6, timeout: timeoutMs };
      const child = execFile('nsenter', [...this.#entry(), ...argv], options, (error, stdout, stderr) => {
        if (error)
          reject(new Error(`${argv.join(' ')}: ${stderr.trim() || stdout.trim() || error.message}`, { cause: error }));
        else resolve(stdout);
      });
      child.stdin!.on('error', () => undefined);
      child.stdin!.end(input);
    });
  }

  /** Looks every tenth of a second. @throws Error with the end of the logs when something ended by itself or the time is over. */
  async waitFor(what: string, timeoutMs: number, isDone: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    let last: unknown;
    for (;;) {
      try {
        if (await isDone()) return;
      } catch (error) {
        last = error;
      }
      const ended = [...this.#ended].map(([name, how]) => `${name} ${how}`);
      if (ended.length > 0 || performance.now() > deadline) {
        const why = [`waiting for ${what}`, ...ended, ...(last ? [String(last)] : [])].join('; ');
        const logs = this.#ended.size > 0 ? [...this.#ended.keys()] : readdirSync(this.path('logs'));
        throw new Error(`The test cluster did not come up: ${why}\n${this.#readLogs(logs)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  #readLogs(names: string[]): string {
    return names
      .map((name) => {
        const path = this.path('logs', name);
        const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-12);
        return `── ${path}\n${lines.map((line) => line.slice(0, 400)).join('\n')}`;
      })
      .join('\n');
  }

  /** Takes everything away. Repeating it does no harm. */
  async dispose(): Promise<void> {
    const holder = this.#holder;
    if (holder && holder.exitCode === null && holder.signalCode === null) {
      const ended = new Promise((resolve) => holder.once('exit', resolve));
      // Killed as the first process of its process ids, it ends only after all the others have.
      if (!this.#init || !kill(this.#init)) holder.kill('SIGKILL');
      await ended;
    }
    cleanUp(this.directory, this.#leavings);
  }

  #entry(): string[] {
    return [`--target=${this.#init}`, '--mount', '--net', '--pid', '--'];
  }

  async #open({ mounts, routed }: NodeOptions): Promise<void> {
    const script = this.write('node.sh', nodeScript(this.directory, mounts), 0o700);
    const spaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation=private'];
    const holder = spawn('setpriv', ['--pdeathsig=KILL', 'unshare', ...spaces, '--', 'sh', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#holder = holder;
    let said = '';
    holder.stderr.on('data', (text: Buffer) => (said += text.toString()));
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('error', reject);
      holder.once('exit', () => reject(new Error(`The test cluster’s node could not be made: ${said.trim()}`)));
    });
    this.#init = childOf(holder.pid!);
    this.#leavings.init = [this.#init, startTime(this.#init)!];
    this.#writeLeavings();
    makeCgroups(this.cgroup);
    await this.#connect(routed);
  }

  async #connect(routed: string): Promise<void> {
    const { link } = this.#leavings;
    const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(this.#init));
    ip('addr', 'add', `${this.machineAddress}/30`, 'dev', link);
    ip('link', 'set', link, 'up');
    const commands = [
      'link set lo up',
      'link set eth0 up',
      `addr add ${this.address}/30 dev eth0`,
      // A service's address is looked up among the routes before it becomes a pod's. There is no way to anywhere else.
      `route add ${routed} via ${this.machineAddress}`,
    ];
    for (const command of commands) await this.run(['ip', ...command.split(' ')]);
  }

  #writeLeavings(): void {
    writeFileSync(this.path('leavings.json'), JSON.stringify(this.#leavings));
  }
}

/** Runs as the node's first process: prepares its files, says so, then takes in the children of processes that end. */
function nodeScript(directory: string, mounts: Record<string, string>): string {
  const overlay = (path: string, shown = path) => {
    const written = join(directory, 'written', path);
    const options = `lowerdir=${shown},upperdir=${written}/upper,workdir=${written}/work`;
    return `mkdir -p ${path} ${written}/upper ${written}/work && mount -t overlay overlay -o ${options} ${path}`;
  };
  const overlays = ['/etc', '/opt', '/var/lib', '/var/log'].map((path) => overlay(path));
  const shown = Object.entries(mounts).map(([path, source]) => overlay(path, source));
  const settings = Object.entries(wantedSettings).map(([path, value]) => {
    const file = join(directory, 'settings', path);
    return `[ ! -e ${path} ] || { mkdir -p ${dirname(file)} && echo ${value} > ${file} && mount --bind ${file} ${path}; }`;
  });
  return [
    'set -e',
    // A node's mounts are shared with its containers; the machine's are not among them any more.
    'mount --make-rshared /',
    ...overlays,
    'mount -t tmpfs -o mode=755 tmpfs /run',
    ...shown,
    ...settings,
    'echo ready',
    'while :; do sleep 1; done',
    '',
  ].join('\n');
}

/** The kernel's settings that a kubelet makes are the whole machine's, so it is shown that they are made already. */
const wantedSettings = {
  '/proc/sys/vm/overcommit_memory': 1,
  '/proc/sys/vm/panic_on_oom': 0,
  '/proc/sys/kernel/panic': 10,
  '/proc/sys/kernel/panic_on_oops': 1,
  '/proc/sys/kernel/keys/root_maxkeys': 1_000_000,
  '/proc/sys/kernel/keys/root_maxbytes': 25_000_000,
};

/** Two addresses of 198.18.0.0/15 (kept for tests by RFC 2544) that no interface of this machine is near. */
function chooseNetwork(): { machineAddress: string; address: string } {
  const taken = new Set(
    Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
  );
  for (let tries = 0; tries < 250; tries++) {
    const third = (process.pid + tries) % 250;
    const machineAddress = `198.18.${third}.1`;
    if (!taken.has(machineAddress)) return { machineAddress, address: `198.18.${third}.2` };
  }
  throw new Error('No network of 198.18.0.0/16 is free for the test cluster.');
}

/** The kubelet wants its root cgroup to be there: one directory per controller on cgroup v1, one in all on v2. */
function makeCgroups(cgroup: string): void {
  for (const controller of cgroupControllers()) {
    const path = join(controller, cgroup);
    mkdirSync(path, { recursive: true });
    // On v1 a cpuset begins empty and takes no process before it is filled.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (existsSync(join(path, file)) && !existsSync(join(cgroupMount, 'cgroup.controllers')))
        writeFileSync(join(path, file), readFileSync(join(controller, file)));
    }
  }
}

function cgroupControllers(): string[] {
  if (existsSync(join(cgroupMount, 'cgroup.controllers'))) return [cgroupMount];
  return readdirSync(cgroupMount)
    .map((name) => join(cgroupMount, name))
    .filter((path) => statSync(path).isDirectory() && existsSync(join(path, 'cgroup.procs')));
}

function removeCgroup(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  for (let tries = 0; ; tries++) {
    try {
      return rmdirSync(path);
    } catch (error) {
      // A cgroup is busy for a moment after its last process ended.
      if (tries === 50) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function cleanUpAfterCrashes(): void {
  for (const name of readdirSync(tmpdir()).filter((candidate) => candidate.startsWith(prefix))) {
    const directory = join(tmpdir(), name);
    const leavings = readLeavings(directory);
    if (!leavings || startTime(leavings.owner[0]) === leavings.owner[1]) continue;
    const [pid, start] = leavings.init ?? [0, ''];
    if (pid && startTime(pid) === start) kill(pid);
    cleanUp(directory, leavings);
  }
}

function readLeavings(directory: string): Leavings | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'leavings.json'), 'utf8')) as Leavings;
  } catch {
    return undefined;
  }
}

function cleanUp(directory: string, { link, cgroup }: Leavings): void {
  try {
    execFileSync('ip', ['link', 'delete', link], { stdio: 'ignore' });
  } catch {
    // It went away with the node's network namespace.
  }
  if (cgroup.startsWith(`/${prefix}`)) for (const controller of cgroupControllers()) removeCgroup(controller + cgroup);
  if (basename(directory).startsWith(prefix)) rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

function childOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return Number(children.split(' ')[0]);
}

/** Field 22 of `/proc/PID/stat`; undefined when there is no such process. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
