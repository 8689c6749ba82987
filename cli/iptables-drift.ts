import * as l10n from '@vscode/l10n';
import { expectedRules } from '../mesh/interception/expected-rules.ts';
import { findDrift } from '../mesh/interception/find-drift.ts';
import type { Drift, DriftDifference } from '../mesh/interception/find-drift.ts';
import { learnDnsServers } from '../mesh/interception/learn-dns-servers.ts';
import { parseRules } from '../mesh/interception/parse-rules.ts';
import { oneOf, readFlags } from './flags.ts';
import { tellAssumptions } from './iptables-expected.ts';
import { familyOf, podFlags, readPod, readText, UnreadableInput } from './read-pod.ts';
import { UsageError } from './verb.ts';
import type { Terminal, Verb } from './verb.ts';

export const iptablesDrift: Verb = {
  name: ['iptables', 'drift'],
  get summary() {
    return l10n.t("compare a pod's packet rules with those that Istio would program for it");
  },
  get help() {
    return l10n.t(`Usage: meshloom iptables drift --pod FILE [FLAGS] [RULES|-]

Reads the pod (or anything with a pod template) from FILE and the rules that it has from RULES or standard input, in any
format that "iptables explain" reads. Follows every packet through both: what is treated alike is no drift, in whatever order
or words the rules say it.

  --pod FILE           the pod, as in "iptables expected"
  --name NAME          which pod or workload of FILE, if there are several
  --format text|json   text for people (default), json for programs
  --family 4|6         default: that of the rules
  --mode init|cni, --mesh-config FILE, --namespace-labels K=V,...   as in "iptables expected"
  -h, --help           this text

Exit: 0 the same, 1 drift, 2 it could not tell.

Example: kubectl exec POD -c istio-proxy -- iptables-save | meshloom iptables drift --pod pod.yaml`);
  },
  run: drift,
};

const exitCodes = { same: 0, drift: 1, unknown: 2 } as const;

async function drift(terminal: Terminal): Promise<number> {
  const { values, positionals } = readFlags(terminal.args, {
    format: { type: 'string', default: 'text' },
    pod: { type: 'string' },
    name: { type: 'string' },
    ...podFlags,
  });
  const format = oneOf('--format', values.format, ['text', 'json'] as const);
  const family = familyOf(values.family);
  const [rules] = positionals;
  if (values.pod === undefined) throw new UsageError(l10n.t('Name the file with the pod: --pod FILE.'));
  if (positionals.length > 1)
    throw new UsageError(l10n.t('One file at a time, not {0}: {1}.', positionals.length, positionals.join(', ')));
  if (values.pod === '-' && (rules === undefined || rules === '-'))
    throw new UsageError(l10n.t('Only one of pod and rules can come from standard input.'));
  try {
    const text = await readText(values.pod, terminal);
    const inputs = await readPod(text, values.pod, values.name, values, terminal);
    const actual = parseRules(await readText(rules, terminal));
    const expected = expectedRules({
      ...inputs,
      family: family ?? (actual.family === '6' ? '6' : '4'),
      ...learnDnsServers(inputs, actual),
    });
    tellAssumptions(expected, terminal);
    const found = findDrift(expected, actual);
    terminal.out(
      format === 'json' ? `${JSON.stringify(asContract(found), null, 2)}\n` : printDrift(found, terminal.color),
    );
    return exitCodes[found.status];
  } catch (error) {
    if (!(error instanceof UnreadableInput)) throw error;
    terminal.err(`${error.message}\n`);
    return 2;
  }
}

/** The shape that other programs parse: it only grows. */
function asContract({ status, differences, whyUnknown }: Drift): object {
  return { status, differences, ...(whyUnknown !== undefined && { why: whyUnknown }) };
}

function printDrift({ status, differences, whyUnknown }: Drift, color: boolean): string {
  const paint = (code: number, text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  switch (status) {
    case 'same':
      return `${paint(32, l10n.t('Same: these rules treat every packet as those that Istio would program.'))}\n`;
    case 'unknown':
      return `${paint(33, l10n.t('It cannot be told: {0}', whyUnknown ?? ''))}\n`;
    case 'drift':
      return [
        paint(31, l10n.t('Drift: {0} lines make traffic go another way.', differences.length)),
        '',
        ...differences.flatMap((difference, at) => printDifference(difference, differences[at + 1], paint)),
        '',
      ].join('\n');
  }
}

function printDifference(
  { kind, table, expected, actual, cause, effect }: DriftDifference,
  next: DriftDifference | undefined,
  paint: (code: number, text: string) => string,
): string[] {
  const kinds = {
    missing: l10n.t('missing'),
    extra: l10n.t('too many'),
    changed: l10n.t('changed'),
    order: l10n.t('in another place'),
  };
  return [
    `${table}, ${kinds[kind]}:`,
    ...(expected === undefined ? [] : [paint(31, `  - ${expected}`)]),
    ...(actual === undefined ? [] : [paint(32, `  + ${actual}`)]),
    ...(cause === undefined ? [] : [`      ${paint(2, l10n.t('Cause: {0}', cause))}`]),
    // One effect of many lines is told once, below the last of them.
    ...(next?.effect === effect ? [] : [`      ${effect}`]),
  ];
}
