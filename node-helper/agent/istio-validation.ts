/** `istio-validation` keeps a pod from starting unprotected: it tries the rules, and fails until they are there. */
import type { Pod } from '../../mesh/kubernetes.ts';

/** It ends with this code when a connection that it makes is not redirected. */
const notRedirected = 126;

/** What it did to a pod, for the record; empty where it did nothing. */
export function describeValidation({ status }: Pod): string[] {
  const container = status?.initContainerStatuses?.find(({ name }) => name === 'istio-validation');
  const code = container?.state?.terminated?.exitCode ?? container?.lastState?.terminated?.exitCode;
  const isWaiting = container?.state?.waiting?.reason === 'CrashLoopBackOff';
  if (!container || (code === undefined && !isWaiting) || code === 0) return [];
  const times = container.restartCount ?? 0;
  const how = code === notRedirected ? `found no rules (exit code ${code})` : `failed (exit code ${code ?? 'unknown'})`;
  return [
    `istio-validation ${how}${times > 0 ? ` and was started again ${times === 1 ? 'once' : `${times} times`}` : ''}: it held the pod, and its next try finds the rules.`,
  ];
}
