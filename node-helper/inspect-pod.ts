/** `inspect-pod`: everything that decides about a pod's packets, read in its network namespace without changing anything there. */
import type { InspectPodResult, PodTarget, RulesReading } from '../contract/node-helper.ts';
import { Failure, permissionHint } from './failure.ts';
import { findPodNetns, type FoundNetns } from './find-pod.ts';
import type { CommandResult, Host } from './host.ts';
import { findNativeTables, splitNftRuleset, tablesOfFamily } from '../mesh/interception/native-nft.ts';
import { parseInterfaces, parseSockets } from './proc-net.ts';
import { findHostPlace, findPodPlaces, findProgram, findSaveCommand, ownPlace, type Place, runIn } from './tools.ts';

/** @throws {Failure} when the pod cannot be looked into at all; what is merely missing becomes a note. */
export async function inspectPod(host: Host, pod: PodTarget): Promise<InspectPodResult> {
  const started = host.now();
  return inspectNetns(host, findPodNetns(host, pod), started);
}

/** Reads one netns and lets go of it. @param started when the looking for it began. */
export async function inspectNetns(host: Host, found: FoundNetns, started = host.now()): Promise<InspectPodResult> {
  const places = [ownPlace(), findHostPlace(host, found.hostProcesses), ...findPodPlaces(host, found.podPids)].filter(
    (place) => place !== undefined,
  );
  try {
    const look: Look = { host, found, places, notes: [...found.notes], denied: false };
    const [files, v4, v6, nft, network] = await Promise.all([
      readProcNet(look),
      readFamily(look, '4', 'nft'),
      readFamily(look, '6', 'nft'),
      readNft(look),
      readNetwork(look),
    ]);
    const legacy = await Promise.all([
      ...(files.ip_tables_names ? [readFamily(look, '4', 'legacy')] : []),
      ...(files.ip6_tables_names ? [readFamily(look, '6', 'legacy')] : []),
    ]);
    const native = nft ? nativeReadings(nft, v4?.text ?? '', v6?.text ?? '') : [];
    const readings = [v4, v6, ...legacy].filter((reading) => reading !== undefined);
    if (readings.length === 0 && !nft) throw noProgram(look);
    if (!nft && !look.denied)
      look.notes.push('No nft was found, so tables that are written with nft itself are not seen.');
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
      listening: (['tcp', 'udp'] as const).flatMap((protocol) => [
        ...parseSockets(files[protocol] ?? '', protocol, '4', host.littleEndian),
        ...parseSockets(files[`${protocol}6`] ?? '', protocol, '6', host.littleEndian),
      ]),
      policyRules: network.policyRules,
      routes: network.routes,
      notes: [...new Set(look.notes)],
      tookMs: Math.round(host.now() - started),
    };
  } finally {
    for (const file of [found.file, ...places.flatMap((place) => place.files)]) file.close();
  }
}

interface Look {
  host: Host;
  found: FoundNetns;
  places: Place[];
  notes: string[];
  /** The kernel refused something: when nothing could be read, this is why. */
  denied: boolean;
}

const procNetFiles = [
  ...['ip_tables_names', 'ip6_tables_names', 'tcp', 'tcp6', 'udp', 'udp6'],
  ...['dev', 'route', 'fib_trie', 'if_inet6'],
] as const;
type ProcNetFile = (typeof procNetFiles)[number];

/**
 * `/proc/net` of the netns, through a child that stands in it: unlike the files of one of the pod's processes they cannot
 * turn into another pod's while they are read.
 */
async function readProcNet({ host, found, notes }: Look): Promise<Partial<Record<ProcNetFile, string>>> {
  const paths = procNetFiles.map((name) => `/proc/self/net/${name}`);
  const result = await runIn(host, ownPlace(), found.file, ['tail', '-v', '-n', '+1', '--', ...paths]);
  refuseTimeout(result);
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
  const files: Partial<Record<ProcNetFile, string>> = {};
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
  const { host, found, places, notes } = look;
  for (const place of places) {
    const argv = await findSaveCommand(host, place, backend, family);
    if (!argv) continue;
    // The lock serves those who write in one mount namespace; a reader in another would only get into their way.
    const result = await runIn(host, place, found.file, argv, {
      env: { XTABLES_LOCKFILE: '/tmp/.meshloom-xtables.lock' },
    });
    const command = `nsenter --net=${found.path} ${argv.join(' ')}`;
    if (result.code === 0) {
      // That there are legacy tables is known already, and they are read.
      const warnings = result.stderr.replace(/^# Warning: ip6?tables-legacy tables present.*$/gm, '').trim();
      if (warnings !== '') notes.push(`${argv[0]}: ${warnings}`);
      return { family, backend, command, origin: place.origin, text: result.stdout };
    }
    refuseTimeout(result);
    look.denied ||= isDenied(result);
    notes.push(`“${argv.join(' ')}”${place.label && ` in ${place.label}`} gave no rules: ${reasonOf(result)}`);
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
  const { host, found, places, notes } = look;
  for (const place of places) {
    const program = findProgram(host, place.root, ['nft']);
    if (!program) continue;
    const result = await runIn(host, place, found.file, [program, 'list', 'ruleset']);
    if (result.code === 0) {
      return {
        text: result.stdout,
        origin: place.origin,
        command: `nsenter --net=${found.path} ${program} list ruleset`,
      };
    }
    refuseTimeout(result);
    look.denied ||= isDenied(result);
    notes.push(`“nft list ruleset” gave nothing: ${reasonOf(result)}`);
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

async function readNetwork({ host, found, places, notes }: Look): Promise<Network> {
  const place = places.find(({ root }) => findProgram(host, root, ['ip']));
  if (!place) {
    notes.push('No ip was found (package iproute2), so policy rules and routes are not seen.');
    return { policyRules: [], routes: [] };
  }
  const program = findProgram(host, place.root, ['ip'])!;
  const [addresses, rules4, rules6, routes] = await Promise.all(
    [
      ['-j', 'addr', 'show'],
      ['rule', 'show'],
      ['-6', 'rule', 'show'],
      ['route', 'show', 'table', 'all'],
    ].map((argv) => runIn(host, place, found.file, [program, ...argv])),
  );
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

/** @throws {Failure} A program that hangs in one place hangs in the next one too, and the caller waits. */
function refuseTimeout(result: CommandResult): void {
  if (result.stopped !== 'timeout') return;
  throw new Failure(
    'timeout',
    'Reading the pod’s network namespace took too long.',
    'The node may be overloaded: try again.',
  );
}

function notPermitted(reason: string): Failure {
  return new Failure('not-permitted', `The pod’s network namespace may not be read: ${reason}`, permissionHint);
}

function noProgram({ notes, places, denied }: Look): Failure {
  if (denied) return notPermitted(notes.join(' '));
  const looked = places.map((place) => place.label || 'the helper’s own image').join(', ');
  return new Failure(
    'no-iptables',
    `Neither iptables-save nor nft could be run; looked in ${looked}. ${notes.join(' ')}`.trim(),
    'Deploy the helper with an image that contains iptables and nftables.',
  );
}

function reasonOf({ stderr, stopped, code }: CommandResult): string {
  const said = stderr.trim().split('\n').at(-1) ?? '';
  if (stopped === 'timeout') return 'no answer in time';
  if (stopped) return `it could not be run (${stopped})`;
  return said === '' ? `exit code ${code}` : said;
}
