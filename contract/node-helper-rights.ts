/**
 * Every right that the node helper asks for in *observe* mode, and why: what the preview shows before anything is
 * deployed, and what the manifest is written from. A right that no reading uses does not stand here; whoever adds a
 * reading that needs one adds it here with its reason.
 *
 * Also true, and not in the list because it is the absence of a right: no service-account token, no privileged container,
 * no open port, no writable host directory, read-only root file system.
 */
import * as l10n from '@vscode/l10n';

export type ObserveRightKind = 'capability' | 'pod' | 'mount' | 'profile';

export interface ObserveRight {
  kind: ObserveRightKind;
  /**
   * As the manifest writes it: a capability without `CAP_`; for a `pod` right the field of the pod spec; for a `mount` the
   * path on the host; for a `profile` the field of the container's security context.
   */
  name: string;
  /** What stops working without it. */
  why: string;
}

/** Capabilities to add after `drop: [ALL]`, in the order in which {@link observeRights} explains them. */
export const observeCapabilities = [
  'SYS_ADMIN',
  'SYS_PTRACE',
  'SYS_CHROOT',
  'NET_ADMIN',
  'NET_RAW',
  'DAC_READ_SEARCH',
  'SETPCAP',
] as const;

/** Host directories that are mounted read-only at {@link helperHostRoot} + path. */
export const observeMounts = ['/etc/cni/net.d', '/opt/cni/bin'] as const;

/** Value of {@link helperEnvironment}`.hostRoot` in the DaemonSet: below it stand the host's directories. */
export const helperHostRoot = '/host';

/** The environment variables that the program reads. */
export const helperEnvironment = {
  /** The version of the extension that ships the program; `0.0.0` without it. */
  version: 'MESHLOOM_VERSION',
  /** Prefix before the host's directories: `/host`. */
  hostRoot: 'MESHLOOM_HOST_ROOT',
  /** The host's /proc when the container does not share the host's process ids: `/host/proc`. */
  proc: 'MESHLOOM_PROC',
  /** The node's name, from `spec.nodeName`; the host name without it. */
  node: 'MESHLOOM_NODE',
} as const;

/** What observe mode asks for, each with its reason, in the editor's language. */
export function observeRights(): ObserveRight[] {
  return [
    {
      kind: 'pod',
      name: 'hostPID',
      why: l10n.t(
        'A pod’s processes are found by its UID in /proc/*/cgroup, and its network namespace is opened through one of them; no container runtime has to be asked.',
      ),
    },
    {
      kind: 'pod',
      name: 'hostNetwork',
      why: l10n.t(
        'On a node whose CNI chain is broken no other pod can start, and that is where the helper is needed most. It opens no port.',
      ),
    },
    {
      kind: 'capability',
      name: 'SYS_ADMIN',
      why: l10n.t(
        'Entering the pod’s network namespace, and the host’s mount namespace when only the host has iptables: the kernel grants both to this capability alone.',
      ),
    },
    {
      kind: 'capability',
      name: 'SYS_PTRACE',
      why: l10n.t(
        'The kernel lets /proc/PID/ns and /proc/PID/root of another user’s process be opened only with it. Nothing is traced.',
      ),
    },
    {
      kind: 'capability',
      name: 'SYS_CHROOT',
      why: l10n.t(
        'The kernel asks for it to enter a mount namespace, and to run the iptables of a proxy container from that container’s own files.',
      ),
    },
    {
      kind: 'capability',
      name: 'NET_ADMIN',
      why: l10n.t('iptables-save, nft and the list of legacy tables answer only with it, even to a mere reader.'),
    },
    {
      kind: 'capability',
      name: 'NET_RAW',
      why: l10n.t('iptables-legacy-save reads the tables through a raw socket.'),
    },
    {
      kind: 'capability',
      name: 'DAC_READ_SEARCH',
      why: l10n.t(
        'CNI configuration is often readable by its owner alone, and in a pod with its own user namespace /proc/PID/net belongs to another user.',
      ),
    },
    {
      kind: 'capability',
      name: 'SETPCAP',
      why: l10n.t(
        'Used to give rights away: before a program from a pod’s own files is run, everything but NET_ADMIN, NET_RAW and SYS_CHROOT is dropped for good.',
      ),
    },
    {
      kind: 'mount',
      name: '/etc/cni/net.d',
      why: l10n.t('The CNI configuration that the node’s runtime loads. Mounted read-only.'),
    },
    {
      kind: 'mount',
      name: '/opt/cni/bin',
      why: l10n.t('The CNI plugins: each is asked for the versions it speaks, and nothing else. Mounted read-only.'),
    },
    {
      kind: 'profile',
      name: 'appArmorProfile: Unconfined',
      why: l10n.t(
        'The runtime’s default AppArmor profile forbids opening the namespaces of processes outside of it, whatever the capabilities.',
      ),
    },
  ];
}
