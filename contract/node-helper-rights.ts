/**
 * Every right that the node helper asks for in *observe* mode, and those that *intercept* mode adds, each with why: what
 * the preview shows before anything is deployed, and what the manifest is written from. A right that nothing uses does not
 * stand here; whoever adds a reading that needs one adds it here with its reason.
 *
 * Also true, and not in the list because it is the absence of a right: no privileged container, no open port, read-only
 * root file system; in observe mode no service-account token and no writable host directory either.
 */
import * as l10n from '@vscode/l10n';
import { agentDirectory, type AgentSettings } from './cni-plugin.ts';

/** `observe`: it reads when it is asked. `intercept`: the agent of the CNI plugin runs, and the plugin can be installed. */
export type HelperMode = 'observe' | 'intercept';

export type HelperRightKind = 'capability' | 'pod' | 'mount' | 'profile' | 'api';

export interface HelperRight {
  kind: HelperRightKind;
  /**
   * As the manifest writes it: a capability without `CAP_`; for a `pod` right the field of the pod spec; for a `mount` the
   * path on the host, with ` (rw)` where it may be written; for a `profile` the field of the container's security context;
   * for an `api` right the resource and the verbs.
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
  /** The agent's settings where its command line does not say: namespaces with commas between them, and so on. */
  excludeNamespaces: 'MESHLOOM_EXCLUDE_NAMESPACES',
  onMiss: 'MESHLOOM_ON_MISS',
  backend: 'MESHLOOM_BACKEND',
  /** The API server's URL, or `none`; as the kubelet tells without it. */
  api: 'MESHLOOM_API',
  /** The agent's directory on the host; `/run/meshloom` without it. */
  directory: 'MESHLOOM_DIRECTORY',
} as const;

/**
 * Flags of Node and environment of the agent's process, which runs on every node for ever: they keep it below 60 MB, from
 * 80 without them. Compiling to machine code is no gain for it: what it runs, it runs too seldom.
 */
export const agentNodeFlags = ['--jitless', '--max-semi-space-size=1', '--single-threaded', '--expose-gc'] as const;
export const agentAllocation = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_MMAP_THRESHOLD_: '65536',
} as const;

/** What observe mode asks for, each with its reason, in the editor's language. */
export function observeRights(): HelperRight[] {
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

/** Capabilities beside {@link observeCapabilities}, in the order in which {@link interceptRights} explains them. */
export const interceptCapabilities = ['DAC_OVERRIDE', 'CHOWN', 'FOWNER'] as const;

/** Ours on the host: journals and originals; what the plugin and its agent share. Made where they are missing. */
export const ownDirectories = ['/var/lib/meshloom', agentDirectory] as const;

/** libcni's cache of the chains with which running pods were connected: read before our program is taken away. */
export const resultsMount = '/var/lib/cni';

/** Where the container finds the plugin's program of its node's processor; absent where none fits. */
export const pluginProgramPath = `${agentDirectory}/meshloom-cni`;

/** What {@link interceptRights} depends on: where this cluster's runtimes look, and what the agent may do. */
export interface InterceptNeeds {
  confDirs: readonly string[];
  binDirs: readonly string[];
  onMiss: AgentSettings['onMiss'];
}

/** Verbs on pods of all namespaces. A plugin is called for each of them. */
export function agentVerbs(onMiss: AgentSettings['onMiss']): string[] {
  return ['get', 'list', 'watch', ...(onMiss === 'delete' ? ['delete'] : [])];
}

/** What intercept mode asks for beside {@link observeRights}, or instead of one with the same path. */
export function interceptRights({ confDirs, binDirs, onMiss }: InterceptNeeds): HelperRight[] {
  return [
    {
      kind: 'capability',
      name: 'DAC_OVERRIDE',
      why: l10n.t(
        'On some nodes the CNI directories belong to another user than root: without it the installer could not write there.',
      ),
    },
    {
      kind: 'capability',
      name: 'CHOWN',
      why: l10n.t('A file that is replaced, and one that is given back, keeps its owner.'),
    },
    {
      kind: 'capability',
      name: 'FOWNER',
      why: l10n.t(
        'A file that is replaced, and one that is given back, keeps its mode, also where another user owns it.',
      ),
    },
    ...confDirs.map((path): HelperRight => ({
      kind: 'mount',
      name: `${path} (rw)`,
      why: l10n.t(
        'The CNI configuration that the runtime loads: install, repair and uninstall write there, each after you have seen the change.',
      ),
    })),
    ...binDirs.map((path): HelperRight => ({
      kind: 'mount',
      name: `${path} (rw)`,
      why: l10n.t('The plugins’ programs: ours is put there before a configuration names it, and taken away after.'),
    })),
    {
      kind: 'mount',
      name: `${ownDirectories[0]} (rw)`,
      why: l10n.t('The journal and the originals, from which every change is undone, also after a power cut.'),
    },
    {
      kind: 'mount',
      name: `${ownDirectories[1]} (rw)`,
      why: l10n.t(
        'The socket through which the plugin reaches its agent, and what was decided for each pod. A reboot empties it.',
      ),
    },
    {
      kind: 'mount',
      name: resultsMount,
      why: l10n.t(
        'Which running pods were connected with our plugin: until they are gone its program must stay. Mounted read-only.',
      ),
    },
    {
      kind: 'profile',
      name: 'seLinuxOptions: spc_t',
      why: l10n.t(
        'Where SELinux enforces, containers may not write the node’s configuration, nor the runtime’s plugins talk to them. Elsewhere it means nothing.',
      ),
    },
    {
      kind: 'pod',
      name: 'serviceAccountToken',
      why: l10n.t('A token of its own for the API server, renewed every hour: the agent follows the pods of its node.'),
    },
    {
      kind: 'api',
      name: `pods: ${agentVerbs(onMiss).join(', ')}`,
      why:
        onMiss === 'delete'
          ? l10n.t(
              'Each pod’s annotations and containers decide about its rules, in every namespace. A pod that started without its rules is deleted, as “meshloom.cni.onMiss” says.',
            )
          : l10n.t(
              'Each pod’s annotations and containers decide about its rules, in every namespace. Nothing is changed through the API server.',
            ),
    },
  ];
}
