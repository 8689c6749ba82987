/** What a debug container printed → the same result that the node helper gives. No I/O. */
import * as l10n from '@vscode/l10n';
import type { InspectPodResult, NetworkInterface, RulesReading } from '../../contract/node-helper.ts';
import { findNativeTables, splitNftRuleset, tablesOfFamily } from '../../mesh/interception/native-nft.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { DebugContainerFailure } from './debug-failure.ts';

/** Output of one command in the container. */
export interface Section {
  /** `4-nft`, `6-legacy`, `nft`, `addresses`, `rules4`, …; `4-nft-error`: what it wrote to standard error. */
  id: string;
  /** What was run. */
  command: string;
  text: string;
  code: number;
}

/**
 * Cuts a log into its sections.
 * @returns undefined as long as the script has not come to its end.
 */
export function parseSections(log: string, mark: string): Section[] | undefined {
  const sections: Section[] = [];
  let open: { id: string; command: string; lines: string[] } | undefined;
  for (const line of log.split('\n')) {
    if (!line.startsWith(`${mark} `)) {
      open?.lines.push(line);
      continue;
    }
    const [, verb, id = '', ...rest] = line.split(' ');
    if (verb === 'done') return sections;
    if (verb === 'begin') open = { id, command: rest.join(' '), lines: [] };
    else if (open) {
      // One line break stands before each mark, so that output without one at its end does not swallow it.
      const text = open.lines.join('\n');
      sections.push({ id: open.id, command: open.command, text, code: Number(rest[0] ?? 0) });
      open = undefined;
    }
  }
  return undefined;
}

export interface ReadingPlace {
  pod: Pod;
  container: string;
  image: string;
  /** Of `performance.now()`. */
  started: number;
}

/** @throws DebugContainerFailure when not one family could be read. */
export function readingsOf(sections: readonly Section[], place: ReadingPlace): InspectPodResult {
  const find = (id: string) => sections.find((section) => section.id === id);
  const error = (id: string) => find(`${id}-error`)?.text.trim().split('\n').at(-1) ?? '';
  const notes: string[] = [];
  const readings: RulesReading[] = [];
  for (const family of ['4', '6'] as const) {
    for (const backend of ['nft', 'legacy'] as const) {
      const id = `${family}-${backend}`;
      const section = find(id);
      if (section?.code === 0) readings.push(readingOf(section, family, backend, place));
      else if (section)
        notes.push(
          l10n.t('“{0}” gave no rules in the debug container: {1}', section.command, error(id) || section.code),
        );
      if (find(`${id}-missing`))
        notes.push(
          l10n.t(
            'There are IPv{0} tables of iptables-legacy, but image {1} has nothing that prints them.',
            family,
            place.image,
          ),
        );
    }
  }
  const nft = find('nft');
  if (nft?.code === 0) readings.push(...nativeReadings(nft, readings, place));
  else
    notes.push(
      l10n.t('Image {0} has no usable nft: tables that were written with nft itself are not seen.', place.image),
    );
  if (readings.length === 0 && nft?.code !== 0) throw nothingRead(place, notes);
  notes.push(l10n.t('Read from inside the pod: its listening sockets are not looked at.'));
  return {
    pid: 0,
    netns: '',
    readings,
    interfaces: parseAddresses(find('addresses')?.text ?? ''),
    listening: [],
    policyRules: [...linesOf(find('rules4')), ...linesOf(find('rules6')).map((line) => `inet6 ${line}`)],
    routes: linesOf(find('routes')),
    notes,
    tookMs: Math.round(performance.now() - place.started),
  };
}

function readingOf(
  { command, text }: Section,
  family: '4' | '6',
  backend: RulesReading['backend'],
  { pod, container }: ReadingPlace,
): RulesReading {
  const { name = '', namespace = '' } = pod.metadata ?? {};
  const again = `kubectl exec --namespace ${namespace} ${name} --container ${container} -- ${command}`;
  return {
    family,
    backend,
    origin: 'proxy-container',
    command: again,
    text: text.replace(/\n*$/, text.trim() ? '\n' : ''),
  };
}

/** A table of family `inet` sees packets of both families, so it stands in both readings. */
function nativeReadings(nft: Section, readings: readonly RulesReading[], place: ReadingPlace): RulesReading[] {
  const saved = (family: '4' | '6') =>
    readings.find((reading) => reading.family === family && reading.backend === 'nft')?.text ?? '';
  const native = findNativeTables(splitNftRuleset(nft.text), { ip: saved('4'), ip6: saved('6') });
  return (['4', '6'] as const).flatMap((family) => {
    const text = tablesOfFamily(native, family)
      .map((table) => table.text)
      .join('');
    return text === '' ? [] : [readingOf({ ...nft, text }, family, 'native-nft', place)];
  });
}

function nothingRead({ container, image }: ReadingPlace, notes: readonly string[]): DebugContainerFailure {
  return new DebugContainerFailure(
    'no-program',
    [
      l10n.t('The debug container “{0}” printed no rules: image {1} has no usable iptables.', container, image),
      ...notes,
    ].join(' '),
    l10n.t('Deploy the node helper instead.'),
  );
}

/** `ip -j addr`; nothing when this `ip` prints no JSON. */
function parseAddresses(text: string): NetworkInterface[] {
  try {
    const links = JSON.parse(text) as unknown;
    return Array.isArray(links) ? links.flatMap((link) => toInterface(link as Link)) : [];
  } catch {
    return [];
  }
}

interface Link {
  ifname?: string;
  mtu?: number;
  addr_info?: { local?: string; prefixlen?: number }[];
}

function toInterface({ ifname, mtu, addr_info = [] }: Link): NetworkInterface[] {
  if (!ifname) return [];
  const addresses = addr_info.flatMap(({ local, prefixlen }) => (local ? [`${local}/${prefixlen ?? ''}`] : []));
  return [{ name: ifname, addresses, ...(mtu !== undefined && { mtu }) }];
}

function linesOf(section: Section | undefined): string[] {
  return section?.code === 0
    ? section.text
        .split('\n')
        .map((line) => line.trimEnd())
        .filter((line) => line !== '')
    : [];
}
