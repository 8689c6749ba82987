import type { PodSpec } from '../../mesh/kubernetes.ts';
import type { ApiObject } from './api-object.ts';

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline */
const baselineCapabilities = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE'],
  ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
]);

type FullPodSpec = PodSpec & {
  hostPID?: boolean;
  hostIPC?: boolean;
  volumes?: { name: string; hostPath?: object }[];
};

/**
 * Why a namespace refuses a pod; `undefined` when it lets it in. Checks the profile *baseline*, of which *restricted* is a
 * narrower form.
 * @returns the words of a real server: `violates PodSecurity "baseline:latest": host namespaces (hostPID=true)`.
 */
export function findPodSecurityViolation(
  namespace: ApiObject | undefined,
  spec: PodSpec | undefined,
): string | undefined {
  const level = namespace?.metadata.labels?.['pod-security.kubernetes.io/enforce'];
  if (level !== 'baseline' && level !== 'restricted') return undefined;
  const { volumes = [], containers = [], initContainers = [], ...pod } = (spec ?? {}) as FullPodSpec;
  const hosts = (['hostNetwork', 'hostPID', 'hostIPC'] as const)
    .filter((field) => pod[field])
    .map((field) => `${field}=true`);
  const hostPaths = volumes.filter(({ hostPath }) => hostPath).map(({ name }) => JSON.stringify(name));
  const all = [...initContainers, ...containers];
  const privileged = all.filter(
    ({ securityContext }) => (securityContext as { privileged?: boolean } | undefined)?.privileged,
  );
  const capabilities = all.flatMap(({ name, securityContext }) => {
    const added = (securityContext?.capabilities?.add ?? []).filter(
      (capability) => !baselineCapabilities.has(capability),
    );
    const list = added.map((capability) => JSON.stringify(capability)).join(', ');
    return added.length > 0 ? [`container "${name}" must not include ${list} in securityContext.capabilities.add`] : [];
  });
  const violations = [
    ...(hosts.length > 0 ? [`host namespaces (${hosts.join(', ')})`] : []),
    ...(hostPaths.length > 0 ? [`hostPath volumes (volumes ${hostPaths.join(', ')})`] : []),
    ...privileged.map(({ name }) => `privileged (container "${name}" must not set securityContext.privileged=true)`),
    ...(capabilities.length > 0 ? [`non-default capabilities (${capabilities.join('; ')})`] : []),
  ];
  return violations.length > 0 ? `violates PodSecurity "${level}:latest": ${violations.join(', ')}` : undefined;
}
