/** Which version a list may ask for, so that no plugin of it refuses. */
import * as l10n from '@vscode/l10n';
import type { PluginVersions } from './cni-chain.ts';
import { compareCniVersions, findCommonVersion, publishedCniVersions } from './cni-versions.ts';
import type { CniNetworkList } from './parse-cni-file.ts';
import type { PlanProblem } from './cni-plan.ts';

export type ChosenVersion = { cniVersion: string } | { problems: PlanProblem[] };

/** Any runtime of the last years speaks up to this one. A newer one must stand in the configuration already. */
const newestForAnyRuntime = '1.0.0';

/**
 * The version that a chain keeps or gets: what stood there if every plugin speaks it, else one that all share.
 * @param list the chain as it is, without ours.
 * @param ours our own plugin; absent when it is about the others only.
 * @returns problems that name the plugins in the way when there is none.
 */
export function chooseVersion(
  list: CniNetworkList,
  probes: readonly PluginVersions[],
  ours?: PluginVersions,
): ChosenVersion {
  const types = [...new Set(list.plugins.map(({ type }) => type))];
  const others = types.map((type) => probes.find((probe) => probe.type === type) ?? { type });
  const chain = ours && !types.includes(ours.type) ? [...others, ours] : others;
  const silent = chain.filter(({ supportedVersions }) => !supportedVersions?.length);
  if (silent.length > 0) return { problems: silent.map(noVersions) };
  const speaks =
    (version: string) =>
    ({ supportedVersions }: PluginVersions) =>
      supportedVersions!.includes(version);
  // What the runtime takes now, or another that the list itself offers: nothing new is asked of anybody.
  const offers = [list.cniVersion, ...[...list.offered].sort(compareCniVersions).reverse()];
  const kept = list.hasVersion ? offers.find((version) => chain.every(speaks(version))) : undefined;
  if (kept !== undefined) return { cniVersion: kept };
  if (list.hasVersion && ours && others.every(speaks(list.cniVersion))) {
    // The chain works as it is: its version is not ours to change.
    return { problems: [inTheWay(ours, list.cniVersion)] };
  }
  const offered = chain.map(({ supportedVersions }) => supportedVersions!.filter(isUsable));
  // No version means 0.1.0 to a plugin; 0.2.0 has the same form, so that nothing changes for it.
  const alike = list.hasVersion
    ? undefined
    : findCommonVersion(
        offered.map((versions) => versions.filter((version) => compareCniVersions(version, '0.2.0') <= 0)),
      );
  const common = alike ?? findCommonVersion(offered);
  if (common) return { cniVersion: common };
  return { problems: obstacles(chain, list.cniVersion).map((plugin) => noShared(plugin, chain)) };
}

function isUsable(version: string): boolean {
  return (
    (publishedCniVersions as readonly string[]).includes(version) &&
    compareCniVersions(version, newestForAnyRuntime) <= 0
  );
}

/** Those that do not speak what the configuration asks for; where all do, those that share the fewest versions. */
function obstacles(chain: PluginVersions[], cniVersion: string): PluginVersions[] {
  const refusing = chain.filter(({ supportedVersions }) => !supportedVersions!.includes(cniVersion));
  return refusing.length > 0 ? refusing : chain.slice(-1);
}

function noVersions({ type, path, error }: PluginVersions): PlanProblem {
  return path === undefined
    ? {
        severity: 'error',
        code: 'ML2002',
        plugin: type,
        message: l10n.t(
          'The plugin “{0}” is not in the CNI binary directory: the chain would name a program that does not exist. Install it first.',
          type,
        ),
      }
    : {
        severity: 'error',
        code: 'ML2003',
        plugin: type,
        message: l10n.t(
          '“{0}” ({1}) did not tell which CNI versions it speaks: {2}. Nothing is chained to a plugin that may refuse.',
          type,
          path,
          error ?? '?',
        ),
      };
}

function inTheWay({ type, supportedVersions }: PluginVersions, cniVersion: string): PlanProblem {
  return {
    severity: 'error',
    code: 'ML2001',
    plugin: type,
    message: l10n.t(
      'The chain works with CNI {0}, but “{1}” speaks only {2}: with it in the list, no pod could start or go. Use a release of it that speaks {0}.',
      cniVersion,
      type,
      supportedVersions!.join(', '),
    ),
  };
}

function noShared({ type, supportedVersions }: PluginVersions, chain: PluginVersions[]): PlanProblem {
  const rest = chain
    .filter((plugin) => plugin.type !== type)
    .map((plugin) => `${plugin.type}: ${plugin.supportedVersions!.join(', ')}`)
    .join('; ');
  return {
    severity: 'error',
    code: 'ML2001',
    plugin: type,
    message: l10n.t(
      'There is no CNI version that every plugin of the chain speaks: “{0}” speaks {1} ({2}). Upgrade the one that lags behind.',
      type,
      supportedVersions!.join(', '),
      rest,
    ),
  };
}
