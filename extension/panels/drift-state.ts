/** What should be there against what was read, reading by reading. Pure: no editor, no cluster. */
import * as l10n from '@vscode/l10n';
import type { DriftView, ReadingDrift, ReadingView } from '../../contract/interception-view.ts';
import { expectedRules, type ExpectedInputs, type ExpectedRules } from '../../mesh/interception/expected-rules.ts';
import { findDrift } from '../../mesh/interception/find-drift.ts';
import { learnDnsServers } from '../../mesh/interception/learn-dns-servers.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { printRules } from '../../mesh/interception/print-rules.ts';
import type { Ruleset } from '../../mesh/interception/ruleset.ts';

/** What drift needs of a reading. */
export type DriftReading = Pick<ReadingView, 'id' | 'mode' | 'raw'>;

/**
 * Compares each reading with what Istio would program for the pod as it lives.
 * @param readings as they were read on a node or in the pod; computed ones have nothing to be compared with.
 */
export function driftOf(inputs: ExpectedInputs, readings: readonly DriftReading[]): DriftView {
  const first = expectedRules(inputs);
  if (first.mode === 'ambient' && first.whyNone !== undefined) return { comparisons: [], whyUnknown: first.whyNone };
  const basis = describeBasis(first);
  const comparisons = readings.flatMap((reading) => compareReading(inputs, reading, readings) ?? []);
  if (comparisons.length > 0) return { basis, comparisons };
  return { basis, comparisons, whyUnknown: l10n.t('Nothing was read that could be compared.') };
}

/** Nobody looked: comparing what was computed with itself would tell nothing. */
export function driftOfComputed(): DriftView {
  return {
    comparisons: [],
    whyUnknown: l10n.t(
      'These rules are computed, not read: whether the pod has others is only known once somebody looks. Deploy the node helper, or read from inside the pod.',
    ),
  };
}

function describeBasis({ by, whyNone, assumptions }: ExpectedRules): string {
  const basis =
    by === 'init'
      ? l10n.t('the arguments of istio-init in the running pod')
      : by === 'cni'
        ? l10n.t('the annotations of the running pod, as Istio’s CNI plugin reads them')
        : (whyNone ?? '');
  return [basis, ...assumptions].join(' ');
}

function compareReading(
  inputs: ExpectedInputs,
  reading: DriftReading,
  all: readonly DriftReading[],
): ReadingDrift | undefined {
  const family = reading.id.startsWith('6') ? '6' : '4';
  const isNative = reading.id.endsWith('native-nft');
  const ofFamily = all.filter(({ id }) => id.startsWith(family));
  const actual = parseRules(reading.raw);
  const programmed = () => expectedRules({ ...inputs, family, ...learnDnsServers(inputs, actual) });
  if (isNative && ofMesh(reading) && !programmed().nativeTwin) {
    const whyUnknown = l10n.t(
      'These rules of Istio were written with nft itself; which ones it would write that way is not computed.',
    );
    return { reading: reading.id, status: 'unknown', differences: [], whyUnknown };
  }
  if (isCutOff(reading.raw)) {
    const whyUnknown = l10n.t('The text was cut off before its end; what is missing from it cannot be compared.');
    return { reading: reading.id, status: 'unknown', differences: [], whyUnknown };
  }
  // Istio programs through one kind of iptables; next to it, what another kind holds is nobody's of Istio.
  const elsewhere = !ofMesh(reading) && (isNative || ofFamily.some((other) => other !== reading && ofMesh(other)));
  const expected = elsewhere ? expectNothing(family) : programmed();
  const isSecondEmpty = isEmpty(actual) && ofFamily.find((other) => !other.id.endsWith('native-nft')) !== reading;
  if ((elsewhere || isSecondEmpty) && isEmpty(actual) && actual.warnings.length === 0) return undefined;
  const { status, differences, whyUnknown } = findDrift(expected, actual);
  const text = expected.rules.length > 0 ? printRules(expected.ruleset) : undefined;
  return {
    reading: reading.id,
    status,
    differences,
    ...(whyUnknown !== undefined && { whyUnknown }),
    ...(text !== undefined && { expected: text }),
  };
}

/** `iptables-save` ends every table with COMMIT. */
export function isCutOff(saved: string): boolean {
  const count = (pattern: RegExp) => saved.match(pattern)?.length ?? 0;
  return count(/^\*\w+/gm) > count(/^COMMIT/gm);
}

function ofMesh({ mode }: DriftReading): boolean {
  return mode !== 'none' && mode !== 'unknown';
}

function isEmpty({ chains }: Ruleset): boolean {
  return chains.every(({ rules }) => rules.length === 0);
}

function expectNothing(family: '4' | '6'): ExpectedRules {
  const ruleset: Ruleset = { format: 'iptables-save', family, chains: [], warnings: [] };
  return { mode: 'none', by: null, rules: [], ruleset, assumptions: [] };
}
