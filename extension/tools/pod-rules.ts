import * as l10n from '@vscode/l10n';
import type { ReadingView } from '../../contract/interception-view.ts';
import { explainRules, type ExplainedRule } from '../../mesh/interception/explain-rules.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { explainPodRules } from '../panels/explain-pod-rules.ts';
import { toolNames } from '../ids.ts';
import { confirmReading, originOf, readPodTarget, readRulesOf, type PodTarget } from './pod-target.ts';
import { InputReader } from './read-input.ts';
import { fit, type Tool } from './tool.ts';

export interface PodRulesInput extends PodTarget {
  family?: '4' | '6';
  table?: string;
  chain?: string;
  search?: string;
  drift?: boolean;
}

/** The rules in a pod's network namespace, each explained; with `drift`, how they differ from what Istio would program. */
export const podRules: Tool<PodRulesInput> = {
  name: toolNames.podRules,
  read(input) {
    const reader = new InputReader(input);
    const target = readPodTarget(reader);
    const family = reader.oneOf('family', ['4', '6'] as const);
    const table = reader.optionalText('table');
    const chain = reader.optionalText('chain');
    const search = reader.optionalText('search');
    const drift = reader.flag('drift');
    reader.end();
    return {
      ...target,
      ...(family && { family }),
      ...(table !== undefined && { table }),
      ...(chain !== undefined && { chain }),
      ...(search !== undefined && { search }),
      ...(drift !== undefined && { drift }),
    };
  },
  progress: ({ pod }) => l10n.t('Reading the packet rules of {0}', pod),
  confirm: confirmReading,
  async run(input, services, { signal, limit }) {
    const rules = await readRulesOf(input, services, signal);
    const { state, pod, place } = rules;
    const drift = input.drift && pod ? await driftOfPod(services, { ...rules, pod }, signal) : undefined;
    const readings = state.readings.filter(({ id }) => !input.family || id.startsWith(input.family));
    const listed = readings.flatMap((reading) => listRules(reading, input));
    const { json, leftOut } = fit(listed, limit, (kept) => ({
      pod: place,
      ...originOf(rules),
      summary: state.summary ?? '',
      readings: readings.map((reading) => describe(reading, kept)),
      ...(state.gaps && { gaps: state.gaps }),
      listening: state.listening,
      notes: state.notes,
      ...(drift && { drift }),
      ...(kept.length < listed.length && { truncated: { shown: kept.length, of: listed.length } }),
    }));
    const more =
      leftOut > 0 ? ` ${leftOut} of ${listed.length} rules are left out: narrow it by table, chain or search.` : '';
    return { says: `${originOf(rules).originSays}. ${state.summary ?? ''}${more}`, json };
  },
};

interface Listed {
  reading: string;
  rule: ExplainedRule;
}

function listRules({ id, raw }: ReadingView, { table, chain, search }: PodRulesInput): Listed[] {
  const words = search?.toLowerCase().split(/\s+/).filter(Boolean) ?? [];
  const isWanted = (rule: ExplainedRule) => {
    if (table !== undefined && rule.table !== table) return false;
    if (chain !== undefined && rule.chain !== chain) return false;
    const text = `${rule.rule} ${rule.explanation} ${rule.cause}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return explainRules(parseRules(raw))
    .rules.filter(isWanted)
    .map((rule) => ({ reading: id, rule }));
}

/** One reading as `meshloom iptables explain --format json` prints it, with its name. */
function describe({ id, label, raw }: ReadingView, kept: Listed[]): object {
  const { mode, chains, warnings } = explainRules(parseRules(raw));
  return {
    id,
    label,
    mode,
    chains,
    rules: kept.filter(({ reading }) => reading === id).map(({ rule }) => rule),
    warnings,
  };
}

async function driftOfPod(
  services: Parameters<(typeof podRules)['run']>[1],
  rules: Parameters<typeof explainPodRules>[1],
  signal: AbortSignal,
): Promise<object> {
  const { drift } = await explainPodRules(await services.connect(), rules, signal);
  const { basis, comparisons, whyUnknown } = drift;
  const compared = comparisons.map(({ reading, status, differences, whyUnknown: why }) => ({
    reading,
    status,
    differences,
    ...(why !== undefined && { why }),
  }));
  return {
    ...(basis !== undefined && { basis }),
    comparisons: compared,
    ...(whyUnknown !== undefined && { why: whyUnknown }),
  };
}
