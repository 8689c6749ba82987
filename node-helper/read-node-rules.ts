/** `read-node-rules`: what kube-proxy has written on this node, cut down to the Service that is asked for. */
import type { NodeHelperRequest, ReadNodeRulesResult, RulesReading } from '../contract/node-helper.ts';
import { filterNftTable, filterSavedRules } from '../mesh/service-path/filter-service-rules.ts';
import { attempt, Failure, permissionHint } from './failure.ts';
import { findNamedNetns, type FoundNetns } from './find-pod.ts';
import type { Host } from './host.ts';
import { parseLocalAddresses } from './proc-net.ts';
import { listHostProcesses, listProcesses } from './processes.ts';
import { findHostPlace, findProgram, findSaveCommand, ownPlace, type Place, runIn } from './tools.ts';

/** A big node has tens of megabytes of rules; what leaves it stays below what one reply may carry. */
const maxOutput = 96 * 1024 * 1024;
const maxText = 4 * 1024 * 1024;
const timeout = 20_000;

/** @throws {Failure} when the node's own network namespace cannot be entered, or nothing here prints rules. */
export async function readNodeRules(
  host: Host,
  { service }: Extract<NodeHelperRequest, { verb: 'read-node-rules' }>,
): Promise<ReadNodeRulesResult> {
  const started = host.now();
  const found = findNodeNetns(host);
  const hostPlace = findHostPlace(host, found.hostProcesses);
  const places = [ownPlace(), ...(hostPlace ? [hostPlace] : [])];
  const look: Look = { host, found, places, notes: [] };
  try {
    const readings = [
      ...(await readIptables(look, 'nft', service)),
      ...(await readIptables(look, 'legacy', service)),
      ...(await readNft(look, service)),
    ];
    if (!look.ran) throw noProgram(look);
    return {
      readings,
      addresses: nodeAddresses(host, found),
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
  ran?: boolean;
}

/** kube-proxy's own process is the surest way in; a process of the host's own is the next one. */
function findNodeNetns(host: Host): FoundNetns {
  const processes = listProcesses(host);
  const proxies = processes.filter(
    ({ pid }) => attempt(() => host.read(`${host.proc}/${pid}/comm`))?.trim() === 'kube-proxy',
  );
  const candidates = [...listHostProcesses(host, processes), ...proxies];
  for (const { pid } of candidates) {
    const found = attempt(() => findNamedNetns(host, `${host.proc}/${pid}/ns/net`));
    if (found) return { ...found, pid };
  }
  throw new Failure(
    'not-permitted',
    `The network namespace of node ${host.node} itself may not be opened.`,
    permissionHint,
  );
}

type Wanted = { namespace: string; name: string } | undefined;

/** Legacy tables are only asked for where there are some: looking creates them. */
async function readIptables(look: Look, backend: 'nft' | 'legacy', wanted: Wanted): Promise<RulesReading[]> {
  const { host, found, places, notes } = look;
  const readings: RulesReading[] = [];
  for (const family of ['4', '6'] as const) {
    const names = family === '4' ? 'ip_tables_names' : 'ip6_tables_names';
    if (backend === 'legacy' && !attempt(() => host.read(`${host.proc}/${found.pid}/net/${names}`))?.trim()) continue;
    for (const place of places) {
      const argv = await findSaveCommand(host, place, backend, family);
      if (!argv) continue;
      const env = { XTABLES_LOCKFILE: '/tmp/.meshloom-xtables.lock' };
      const { code, stdout, stderr, stopped } = await runIn(host, place, found.file, argv, { env, timeout, maxOutput });
      if (code !== 0) {
        notes.push(`“${argv.join(' ')}” gave no rules: ${stopped ?? stderr.trim().slice(-300)}`);
        continue;
      }
      look.ran = true;
      const text = limit(filterSavedRules(stdout, wanted), notes);
      const command = `nsenter --net=${found.path} ${argv.join(' ')}`;
      if (text !== '') readings.push({ family, backend, command, origin: place.origin, text });
      break;
    }
  }
  return readings;
}

async function readNft(look: Look, wanted: Wanted): Promise<RulesReading[]> {
  const { host, found, places, notes } = look;
  for (const place of places) {
    const program = findProgram(host, place.root, ['nft']);
    if (!program) continue;
    look.ran = true;
    const readings: RulesReading[] = [];
    for (const family of ['4', '6'] as const) {
      const argv = [program, 'list', 'table', family === '4' ? 'ip' : 'ip6', 'kube-proxy'];
      const { code, stdout, stderr, stopped } = await runIn(host, place, found.file, argv, { timeout, maxOutput });
      // kube-proxy in another mode has no such table: that is an answer, not a failure.
      if (code !== 0 && !/No such file or directory/.test(stderr))
        notes.push(`“${argv.join(' ')}” gave nothing: ${stopped ?? stderr.trim().slice(-300)}`);
      if (code !== 0) continue;
      const command = `nsenter --net=${found.path} ${argv.join(' ')}`;
      readings.push({
        family,
        backend: 'native-nft',
        command,
        origin: place.origin,
        text: limit(filterNftTable(stdout, wanted), notes),
      });
    }
    return readings;
  }
  return [];
}

function limit(text: string, notes: string[]): string {
  if (text.length <= maxText) return text;
  notes.push(
    `There are more rules than one answer holds: only the first ${maxText / 1024 / 1024} MB are here. Ask for one Service.`,
  );
  return text.slice(0, text.lastIndexOf('\n', maxText) + 1);
}

function nodeAddresses(host: Host, { pid }: FoundNetns): string[] {
  const read = (file: string) => attempt(() => host.read(`${host.proc}/${pid}/net/${file}`)) ?? '';
  return parseLocalAddresses(read('fib_trie'), read('if_inet6')).filter(
    (address) => !/^127\.|^::1$|^fe80:/.test(address),
  );
}

function noProgram({ notes, places }: Look): Failure {
  const looked = places.map((place) => place.label || 'the helper’s own image').join(', ');
  return new Failure(
    'no-iptables',
    `Neither iptables-save nor nft could be run; looked in ${looked}. ${notes.join(' ')}`.trim(),
    'Deploy the helper with an image that contains iptables and nftables.',
  );
}
