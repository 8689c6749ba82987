import * as l10n from '@vscode/l10n';
import { expectedRules } from '../mesh/interception/expected-rules.ts';
import type { ExpectedRules } from '../mesh/interception/expected-rules.ts';
import { printRules } from '../mesh/interception/print-rules.ts';
import { oneOf, readFlags } from './flags.ts';
import { familyOf, podFlags, readPod, readText, UnreadableInput } from './read-pod.ts';
import { UsageError } from './verb.ts';
import type { Terminal, Verb } from './verb.ts';

export const iptablesExpected: Verb = {
  name: ['iptables', 'expected'],
  get summary() {
    return l10n.t('print the packet rules that Istio programs for a pod, from the pod as it runs or as it is written');
  },
  get help() {
    return l10n.t(`Usage: meshloom iptables expected [FLAGS] [FILE|-]

Reads a Pod or anything with a pod template (YAML or JSON, also a List), as written or as it runs, and prints the rules that
Istio programs for it, as iptables-save does: a plain diff with the real thing is empty but for counters and comments.
Namespaces, ConfigMaps of Istio, injector webhooks and Services in the same input count.

  --format save|json   iptables-save text (default), or json with the cause of each rule
  --family 4|6         iptables (default) or ip6tables
  --pod NAME           which pod or workload, if there are several; NAMESPACE/NAME works too
  --mode init|cni      who programs: istio-init or the CNI plugin (default: what the pod shows, else init)
  --mesh-config FILE   the mesh configuration, plain or as the ConfigMap istio
  --namespace-labels K=V,...   labels of the pod's namespace, if the input does not hold it
  -h, --help           this text

A pod that is not intercepted prints nothing; why is told on standard error.

Exit: 0 printed, or nothing to print; 2 it could not run.

Example: kubectl get pod reviews-1 -o yaml | meshloom iptables expected`);
  },
  run: expected,
};

async function expected(terminal: Terminal): Promise<number> {
  const { values, positionals } = readFlags(terminal.args, {
    format: { type: 'string', default: 'save' },
    pod: { type: 'string' },
    ...podFlags,
  });
  const format = oneOf('--format', values.format, ['save', 'json'] as const);
  const family = familyOf(values.family) ?? '4';
  if (positionals.length > 1)
    throw new UsageError(l10n.t('One file at a time, not {0}: {1}.', positionals.length, positionals.join(', ')));
  try {
    const text = await readText(positionals[0], terminal);
    const inputs = await readPod(text, positionals[0] ?? '-', values.pod, values, terminal);
    const rules = expectedRules({ ...inputs, family });
    tellAssumptions(rules, terminal);
    terminal.out(format === 'json' ? `${JSON.stringify(asContract(rules), null, 2)}\n` : printRules(rules.ruleset));
    return 0;
  } catch (error) {
    if (!(error instanceof UnreadableInput)) throw error;
    terminal.err(`${error.message}\n`);
    return 2;
  }
}

export function tellAssumptions({ whyNone, assumptions }: ExpectedRules, { err }: Terminal): void {
  if (whyNone !== undefined) err(`${whyNone}\n`);
  for (const assumption of assumptions) err(`${l10n.t('assumed: {0}', assumption)}\n`);
}

/** The shape that other programs parse: it only grows. */
function asContract({ mode, by, rules, whyNone, assumptions }: ExpectedRules): object {
  return {
    mode,
    by,
    rules: rules.map(({ table, chain, text, cause }) => ({ table, chain, rule: text, cause })),
    ...(whyNone !== undefined && { why: whyNone }),
    ...(assumptions.length > 0 && { assumptions }),
  };
}
