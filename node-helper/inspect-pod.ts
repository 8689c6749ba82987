/** `inspect-pod`: everything that decides about a pod's packets, read in its network namespace without changing anything there. */
import type { InspectPodResult, PodTarget, RulesReading } from '../contract/node-helper.ts';
import { errorCode, Failure, permissionHint } from './failure.ts';
import { findPodNetns, type FoundNetns, ProcessGone } from './find-pod.ts';
import type { Command, CommandResult, Host } from './host.ts';
import { findNativeTables, splitNftRuleset, tablesOfFamily } from '../mesh/interception/native-nft.ts';
import { parseInterfaces, parseSocketList, parseSockets } from './proc-net.ts';
import { netnsOf } from './processes.ts';
import { runTogether } from './run-together.ts';
import {
  findHostPlace,
  findPodPlaces,
  findProgram,
  findSaveCommand,
  ownPlace,
  type Place,
  runIn,
  type Tools,
} from './tools.ts';

/** A pod that restarts under our hands is looked for again; more often than this it does not come up at all. */
const attempts = 3;

/** @throws {Failure} when the pod cannot be looked into at all; what is merely missing becomes a note. */
export async function inspectPod(host: Host, pod: PodTarget): Promise<InspectPodResult> {
  const started = host.now();
  for (let left = attempts; ; left--) {
    try {
      return await inspectNetns(host, findPodNetns(host, pod), started);
    } catch (error) {
      if (!(error instanceof ProcessGone) || left <= 1) throw error;
    }
  }
}

export interface InspectOptions {
  /** Places that others use too: they are not closed here. Absent: found, and closed. */
  tools?: Tools;
  /** Milliseconds that all of it may take at most. */
  patience?: number;
}

/** Reads one netns and lets go of it. @param started when the looking for it began. */
export async function inspectNetns(
  host: Host,
  found: FoundNetns,
  started = host.now(),
  { tools, patience = Infinity }: InspectOptions = {},
): Promise<InspectPodResult> {
  const own = tools ?? findTools(host, found);
  const look = new Look(host, found, own, host.now() + patience, tools !== undefined);
  try {
    await look.prepare();
    const listed = await listSockets(look);
    const [files, nft, network, v4, v6] = await Promise.all([
      readProcNet(look, listed ? [] : tcpFiles),
      readNft(look),
      readNetwork(look),
      readFamily(look, '4', 'nft'),
      readFamily(look, '6', 'nft'),
    ]);
    const legacy = await Promise.all([
      ...(files.ip_tables_names ? [readFamily(look, '4', 'legacy')] : []),
      ...(files.ip6_tables_names ? [readFamily(look, '6', 'legacy')] : []),
    ]);
    const native = nft ? nativeReadings(nft, v4?.text ?? '', v6?.text ?? '') : [];
    const readings = [v4, v6, ...legacy].filter((reading) => reading !== undefined);
    if (readings.length === 0 && (!nft || look.late)) throw noProgram(look);
    if (!nft && !look.denied && !look.late)
      look.notes.push('No nft was found, so tables that are written with nft itself are not seen.');
    noteRestart(look);
    return {
      pid: found.pid,
      netns: found.name,
      readings: [...readings, ...native],
      interfaces:
        network.interfaces ??
        parseInterfaces({
          dev: files.dev ?? '',
          route: files.route ?? '',
          fibTrie: files.fib_trie ?? '',
          ifInet6: files.if_inet6 ?? '',
        }),
      listening: listed ?? socketsOf(files, host),
      policyRules: network.policyRules,
      routes: network.routes,
      notes: [...new Set(look.notes)],
      tookMs: Math.round(host.now() - started),
    };
  } finally {
    for (const place of [...look.podPlaces, ...(tools ? [] : own.places)]) for (const file of place.files) file.close();
    found.file.close();
  }
}

function socketsOf(files: ProcNet, { littleEndian }: Host): InspectPodResult['listening'] {
  return (['tcp', 'udp'] as const).flatMap((protocol) => [
    ...parseSockets(files[protocol] ?? '', protocol, '4', littleEndian),
    ...parseSockets(files[`${protocol}6`] ?? '', protocol, '6', littleEndian),
  ]);
}

function findTools(host: Host, { hostProcesses }: FoundNetns): Tools {
  const hostPlace = findHostPlace(host, hostProcesses);
  return { places: [ownPlace(), ...(hostPlace ? [hostPlace] : [])], known: new Map() };
}

/** One netns while it is read. */
class Look {
  readonly host: Host;
  readonly found: FoundNetns;
  readonly notes: string[];
  /** The kernel refused something: when nothing could be read, this is why. */
  denied = false;
  /** Something did not answer in time. */
  late = false;
  readonly isOneOfMany: boolean;
  readonly #tools: Tools;
  readonly #deadline: number;
  readonly #prepared = new Map<string, CommandResult>();
  #podPlaces: Place[] | undefined;

  /** @param isOneOfMany what is dear for hundreds of pods is then had in a cheaper way. */
  constructor(host: Host, found: FoundNetns, tools: Tools, deadline: number, isOneOfMany: boolean) {
    this.host = host;
    this.isOneOfMany = isOneOfMany;
    this.found = found;
    this.notes = [...found.notes];
    this.#tools = tools;
    this.#deadline = deadline;
  }

  /** Best first. The pod's own files are looked through only when nothing before them would do. */
  *places(): Generator<Place> {
    yield* this.#tools.places;
    this.#podPlaces ??= findPodPlaces(this.host, this.found.podPids);
    yield* this.#podPlaces;
  }

  get podPlaces(): readonly Place[] {
    return this.#podPlaces ?? [];
  }

  /** What prints the rules of a family there. Looked for once when the place is shared. */
  async findSave(place: Place, family: '4' | '6', backend: 'nft' | 'legacy'): Promise<string[] | undefined> {
    const find = () => findSaveCommand(this.host, place, backend, family);
    if (!this.#tools.places.includes(place)) return await find();
    const key = `${place.root} ${family} ${backend}`;
    const known = this.#tools.known.get(key) ?? find();
    this.#tools.known.set(key, known);
    return await known;
  }

  async run(place: Place, argv: string[]): Promise<CommandResult> {
    const result =
      this.#prepared.get(keyOf(place, argv)) ?? (await runIn(this.host, place, this.found.file, argv, this.#options()));
    this.late ||= result.stopped === 'timeout';
    return result;
  }

  /** Runs in one go what is going to be asked of the places that every pod shares. */
  async prepare(): Promise<void> {
    const { host } = this;
    const wanted = new Map<Place, string[][]>();
    for (const find of likelyCommands) {
      for (const place of this.#tools.places) {
        const commands = await find(this, place);
        if (commands.length > 0) {
          wanted.set(place, [...(wanted.get(place) ?? []), ...commands]);
          break;
        }
      }
    }
    await Promise.all(
      [...wanted].map(async ([place, commands]) => {
        const results = await runTogether(host, place, this.found.file, commands, this.#options());
        for (const [at, result] of results.entries()) this.#prepared.set(keyOf(place, commands[at]!), result);
      }),
    );
  }

  #options(): Partial<Command> {
    return {
      timeout: Math.max(1, Math.min(commandTimeout, this.#deadline - this.host.now())),
      // The lock serves those who write in one mount namespace; a reader in another would only get into their way.
      env: { XTABLES_LOCKFILE: '/tmp/.meshloom-xtables.lock' },
    };
  }
}

function keyOf(place: Place, argv: readonly string[]): string {
  return [place.root, ...argv].join('\0');
}

/** What nearly every pod is asked, group by group: the first place that has the program is the one that is asked. */
const likelyCommands: ((look: Look, place: Place) => Promise<string[][]>)[] = [
  (look, place) => Promise.resolve(nftCommands(look.host, place)),
  async (look, place) => asList(await look.findSave(place, '4', 'nft')),
  async (look, place) => asList(await look.findSave(place, '6', 'nft')),
  (look, place) => Promise.resolve(networkCommands(look.host, place)),
  (look, place) => Promise.resolve(socketCommands(look, place)),
];

function asList(argv: string[] | undefined): string[][] {
  return argv ? [argv] : [];
}

function nftCommands(host: Host, place: Place): string[][] {
  const program = findProgram(host, place.root, ['nft']);
  return program ? [[program, 'list', 'ruleset']] : [];
}

/** Addresses, policy rules of both families, routes: in this order. */
function networkCommands(host: Host, place: Place): string[][] {
  const program = findProgram(host, place.root, ['ip']);
  if (!program) return [];
  return [
    [program, '-j', 'addr', 'show'],
    [program, 'rule', 'show'],
    [program, '-6', 'rule', 'show'],
    [program, 'route', 'show', 'table', 'all'],
  ];
}

/** Milliseconds after which a child is killed, with the children that it has. */
const commandTimeout = 5_000;

/** The netns is held, so nothing of another pod can have been read; but the pod may be another one by now. */
function noteRestart({ host, found, notes }: Look): void {
  if (found.pid === 0 || netnsOf(host, found.pid) === found.name) return;
  notes.push(
    `Process ${found.pid} of the pod ended while its network namespace was read: this is how it was until then, and the pod may have a new one now.`,
  );
}

const otherFiles = [
  ...['ip_tables_names', 'ip6_tables_names', 'udp', 'udp6'],
  ...['dev', 'route', 'fib_trie', 'if_inet6'],
] as const;
/** For each of these the kernel walks through the connections of the whole node: several milliseconds. */
const tcpFiles = ['tcp', 'tcp6'] as const;
type ProcNetFile = (typeof otherFiles)[number] | (typeof tcpFiles)[number];
type ProcNet = Partial<Record<ProcNetFile, string>>;

/** By `ss`, which asks for the listening ones alone; undefined when it is not there, or for one pod alone: /proc does. */
async function listSockets(look: Look): Promise<InspectPodResult['listening'] | undefined> {
  for (const place of look.places()) {
    if (!look.isOneOfMany) return undefined;
    const [argv] = socketCommands(look, place);
    if (!argv) continue;
    const result = await look.run(place, argv);
    return result.code === 0 ? parseSocketList(result.stdout) : undefined;
  }
  return undefined;
}

function socketCommands({ host, isOneOfMany }: Look, place: Place): string[][] {
  const program = isOneOfMany ? findProgram(host, place.root, ['ss']) : undefined;
  return program ? [[program, '-lntu']] : [];
}

async function readProcNet(look: Look, more: readonly ProcNetFile[]): Promise<ProcNet> {
  const names = [...otherFiles, ...more];
  return readOwnProcNet(look, names) ?? (await readProcNetInside(look, names));
}

/**
 * `/proc/PID/net` of the process that the netns was found through. That it is still in this netns is checked afterwards:
 * what was read of it then is this netns', whatever becomes of the process.
 * @returns undefined when it is gone, or may not be read.
 */
function readOwnProcNet({ host, found }: Look, names: readonly ProcNetFile[]): ProcNet | undefined {
  if (found.pid === 0) return undefined;
  const files: ProcNet = {};
  for (const name of names) {
    try {
      files[name] = host.read(`${host.proc}/${found.pid}/net/${name}`).trim();
    } catch (error) {
      // No legacy iptables, no IPv6: such a file is simply not there.
      if (errorCode(error) !== 'ENOENT') return undefined;
    }
  }
  return files.dev !== undefined && netnsOf(host, found.pid) === found.name ? files : undefined;
}

/** The same through a child that stands in the netns. */
async function readProcNetInside(look: Look, names: readonly ProcNetFile[]): Promise<ProcNet> {
  const { found, notes } = look;
  const paths = names.map((name) => `/proc/self/net/${name}`);
  const result = await look.run(ownPlace(), ['tail', '-v', '-n', '+1', '--', ...paths]);
  if (result.stderr.startsWith('nsenter: reassociate') && result.stderr.includes('Invalid argument')) {
    throw new Failure('bad-request', `${found.path} is not a network namespace.`);
  }
  if (isDenied(result) && result.stderr.startsWith('nsenter:')) throw notPermitted(reasonOf(result));
  if (result.stdout === '') notes.push(`Sockets and legacy tables could not be read: ${reasonOf(result)}`);
  else if (/permission denied/i.test(result.stderr)) {
    notes.push(
      'The list of legacy iptables tables may not be read: rules of iptables-legacy, if there are any, are missing here.',
    );
  }
  const files: ProcNet = {};
  for (const part of result.stdout.split(/^==> \/proc\/self\/net\//m).slice(1)) {
    const end = part.indexOf(' <==\n');
    files[part.slice(0, end) as ProcNetFile] = part.slice(end + 5).trim();
  }
  return files;
}

/**
 * One family through one backend. Legacy is asked only when `ip_tables_names` lists a table: looking with the legacy
 * programs can create the very tables one looks for, and Istio would take them for somebody's rules from then on.
 */
async function readFamily(look: Look, family: '4' | '6', backend: 'nft' | 'legacy'): Promise<RulesReading | undefined> {
  const { found, notes } = look;
  for (const place of look.places()) {
    const argv = await look.findSave(place, family, backend);
    if (!argv) continue;
    const command = `nsenter --net=${found.path} ${argv.join(' ')}`;
    const result = await look.run(place, argv);
    if (result.code === 0) {
      // That there are legacy tables is known already, and they are read.
      const warnings = result.stderr.replace(/^# Warning: ip6?tables-legacy tables present.*$/gm, '').trim();
      if (warnings !== '') notes.push(`${argv[0]}: ${warnings}`);
      return { family, backend, command, origin: place.origin, text: result.stdout };
    }
    look.denied ||= isDenied(result);
    notes.push(`“${argv.join(' ')}”${place.label && ` in ${place.label}`} gave no rules: ${reasonOf(result)}`);
    // What hangs in one place hangs in the next one too, and the caller waits.
    if (result.stopped === 'timeout') return undefined;
  }
  if (backend === 'legacy')
    notes.push(`There are IPv${family} rules of iptables-legacy, but no program that prints them was found.`);
  return undefined;
}

interface NftRuleset {
  text: string;
  command: string;
  origin: RulesReading['origin'];
}

async function readNft(look: Look): Promise<NftRuleset | undefined> {
  const { host, found, notes } = look;
  for (const place of look.places()) {
    const [argv] = nftCommands(host, place);
    if (!argv) continue;
    const result = await look.run(place, argv);
    if (result.code === 0) {
      return {
        text: result.stdout,
        origin: place.origin,
        command: `nsenter --net=${found.path} ${argv.join(' ')}`,
      };
    }
    look.denied ||= isDenied(result);
    notes.push(`“nft list ruleset” gave nothing: ${reasonOf(result)}`);
    if (result.stopped === 'timeout') return undefined;
  }
  return undefined;
}

/** A table of family `inet` sees packets of both, so it stands in both readings. */
function nativeReadings({ text, command, origin }: NftRuleset, ip: string, ip6: string): RulesReading[] {
  const native = findNativeTables(splitNftRuleset(text), { ip, ip6 });
  return (['4', '6'] as const).flatMap((family) => {
    const tables = tablesOfFamily(native, family);
    if (tables.length === 0) return [];
    return [
      { family, backend: 'native-nft' as const, command, origin, text: tables.map((table) => table.text).join('') },
    ];
  });
}

type Network = Pick<InspectPodResult, 'policyRules' | 'routes'> & { interfaces?: InspectPodResult['interfaces'] };

async function readNetwork(look: Look): Promise<Network> {
  const { host, notes } = look;
  let results: CommandResult[] | undefined;
  for (const place of look.places()) {
    const commands = networkCommands(host, place);
    if (commands.length === 0) continue;
    results = await Promise.all(commands.map((argv) => look.run(place, argv)));
    break;
  }
  if (!results) {
    notes.push('No ip was found (package iproute2), so policy rules and routes are not seen.');
    return { policyRules: [], routes: [] };
  }
  const [addresses, rules4, rules6, routes] = results;
  if (results.some(({ stopped }) => stopped === 'timeout'))
    notes.push('Addresses, policy rules or routes are missing: ip gave no answer in time.');
  const interfaces = addresses?.code === 0 ? parseAddresses(addresses.stdout) : undefined;
  return {
    ...(interfaces && { interfaces }),
    policyRules: [...linesOf(rules4), ...linesOf(rules6).map((line) => `inet6 ${line}`)],
    routes: linesOf(routes),
  };
}

/** `ip -j addr`; undefined when this `ip` does not print JSON (busybox). */
function parseAddresses(text: string): InspectPodResult['interfaces'] | undefined {
  try {
    const links = JSON.parse(text) as {
      ifname?: string;
      mtu?: number;
      addr_info?: { local?: string; prefixlen?: number }[];
    }[];
    return links.flatMap(({ ifname, mtu, addr_info = [] }) =>
      ifname
        ? [
            {
              name: ifname,
              addresses: addr_info.flatMap(({ local, prefixlen }) => (local ? [`${local}/${prefixlen ?? ''}`] : [])),
              ...(mtu !== undefined && { mtu }),
            },
          ]
        : [],
    );
  } catch {
    return undefined;
  }
}

function linesOf(result: CommandResult | undefined): string[] {
  return (result?.stdout ?? '')
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
}

/** Whether the kernel said no; another program, or another way in, may still be let through. */
function isDenied({ code, stderr }: CommandResult): boolean {
  return code !== 0 && /Operation not permitted|Permission denied/.test(stderr);
}

function notPermitted(reason: string): Failure {
  return new Failure('not-permitted', `The pod’s network namespace may not be read: ${reason}`, permissionHint);
}

function noProgram(look: Look): Failure {
  if (look.late)
    return new Failure(
      'timeout',
      'Reading the pod’s network namespace took too long.',
      'The node may be overloaded: try again.',
    );
  if (look.denied) return notPermitted(look.notes.join(' '));
  const looked = [...look.places()].map((place) => place.label || 'the helper’s own image').join(', ');
  return new Failure(
    'no-iptables',
    `Neither iptables-save nor nft could be run; looked in ${looked}. ${look.notes.join(' ')}`.trim(),
    'Deploy the helper with an image that contains iptables and nftables.',
  );
}

function reasonOf({ stderr, stopped, code }: CommandResult): string {
  const said = stderr.trim().split('\n').at(-1) ?? '';
  if (stopped === 'timeout') return 'no answer in time';
  if (stopped) return `it could not be run (${stopped})`;
  return said === '' ? `exit code ${code}` : said;
}
