import * as l10n from '@vscode/l10n';
import { checkValue, parseGoBool, type ValueProblem } from './annotation-values.ts';
import type { Carrier } from './catalogue-entry.ts';

/**
 * What becomes of a value that nobody checks when a pod is created. `default`: as if it were not there. `start`: the proxy
 * does not start with it. `fails`: the injection breaks off. `unclear`: one or the other, by release.
 */
export type Effect = 'default' | 'start' | 'fails' | 'unclear';

interface Unchecked {
  check: (value: string) => ValueProblem | undefined;
  effect: Effect;
}

/** Go's bool, and exactly `true` or `false`: who reads it makes the difference. */
const goBool: Unchecked = { check: (value) => checkValue('boolean', value), effect: 'default' };
const exactBool: Unchecked = { check: checkExactBool, effect: 'default' };
const dataplaneMode: Unchecked = { check: (value) => checkWord(value, ['ambient', 'none']), effect: 'default' };
const duration: Unchecked = { check: checkDuration, effect: 'unclear' };
const json: Unchecked = { check: checkJson, effect: 'fails' };

const levels = ['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off'];

const onAnnotations: Readonly<Record<string, Unchecked>> = {
  'sidecar.istio.io/inject': exactBool,
  'sidecar.istio.io/rewriteAppHTTPProbers': goBool,
  'sidecar.istio.io/nativeSidecar': goBool,
  'ambient.istio.io/bypass-inbound-capture': exactBool,
  'ambient.istio.io/dns-capture': goBool,
  'sidecar.istio.io/logLevel': { check: (value) => checkWord(value, levels), effect: 'start' },
  'sidecar.istio.io/agentLogLevel': { check: checkAgentLevels, effect: 'start' },
  'sidecar.istio.io/statsFlushInterval': duration,
  'sidecar.istio.io/statsEvictionInterval': duration,
  'sidecar.istio.io/userVolume': json,
  'sidecar.istio.io/userVolumeMount': json,
};

const onLabels: Readonly<Record<string, Unchecked>> = {
  'sidecar.istio.io/inject': exactBool,
  'istio.io/dataplane-mode': dataplaneMode,
};

/** What is wrong with the value of an annotation or label that the injector does not check; undefined if nothing is, or nobody knows. */
export function checkUncheckedValue(
  carrier: Carrier,
  name: string,
  value: string,
): (ValueProblem & { effect: Effect }) | undefined {
  const table = carrier === 'label' ? onLabels : onAnnotations;
  const known = Object.hasOwn(table, name) ? table[name] : undefined;
  // Charts write an empty value where nothing was set.
  const problem = value === '' ? undefined : known?.check(value);
  return problem && known && { ...problem, effect: known.effect };
}

function checkExactBool(value: string): ValueProblem | undefined {
  if (value === 'true' || value === 'false') return undefined;
  const meant = parseGoBool(value);
  const instead = meant === undefined ? checkValue('boolean', value)?.instead : String(meant);
  return { message: l10n.t('"{0}" is neither "true" nor "false", exactly.', value), ...(instead && { instead }) };
}

function checkWord(value: string, words: readonly string[]): ValueProblem | undefined {
  if (words.includes(value)) return undefined;
  const instead = words.find((word) => word === value.trim().toLowerCase());
  return { message: l10n.t('"{0}" is none of {1}.', value, words.join(', ')), ...(instead && { instead }) };
}

/** `info`, or `default:info,ads:debug`. */
function checkAgentLevels(value: string): ValueProblem | undefined {
  const known = ['debug', 'info', 'warn', 'error', 'fatal', 'none'];
  const wrong = value.split(',').find((scope) => !known.includes(scope.slice(scope.lastIndexOf(':') + 1).trim()));
  if (wrong === undefined) return undefined;
  return { message: l10n.t('"{0}" is no level of a log scope, such as info or ads:debug.', wrong) };
}

function checkDuration(value: string): ValueProblem | undefined {
  if (/^\+?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/.test(value)) return undefined;
  const seconds = /^\s*(\d+)\s*(s|secs?|seconds?)?\s*$/.exec(value)?.[1];
  return {
    message: l10n.t('"{0}" is no duration such as 5s.', value),
    ...(seconds !== undefined && { instead: `${seconds}s` }),
  };
}

function checkJson(value: string): ValueProblem | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === 'object' && parsed !== null) return undefined;
  } catch {
    // Told below, as for a text or a number.
  }
  return { message: l10n.t('This is no list or map in JSON, such as [{"name": "data", "emptyDir": {}}].') };
}
