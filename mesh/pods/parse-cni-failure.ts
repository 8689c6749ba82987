import * as l10n from '@vscode/l10n';

/** What a network plugin's failure comes down to. */
export type CniFailureKind =
  /** The list asks a plugin for a version that the plugin does not speak. */
  | 'version'
  /** A plugin that the list names is not in the runtime's binary directories. */
  | 'missing-plugin'
  /** A `.conf` without `name`: libcni refuses it. */
  | 'missing-name'
  /** The runtime has no usable configuration at all: the node is NotReady. */
  | 'no-config'
  /** istio-cni finds no kubeconfig in the place its entry names (often after a reboot). */
  | 'missing-kubeconfig'
  /** istio-cni's token is refused by the API server. */
  | 'unauthorized'
  /** Another program holds the iptables lock. */
  | 'iptables-lock'
  /** The address range is used up. */
  | 'no-address'
  | 'other';

/**
 * A CNI failure as kubelet's event tells it. Sample:
 *
 *     Failed to create pod sandbox: rpc error: … failed to setup network for sandbox "5352…": plugin type="galaxy-sdn"
 *     name="galaxy" failed (add): incompatible CNI versions; config is "0.3.1", plugin supports ["0.1.0" "0.2.0"]
 */
export interface CniFailure {
  kind: CniFailureKind;
  /** Pods cannot start (`add`) or cannot go away (`delete`). Absent: the text does not tell. */
  operation?: 'add' | 'delete' | 'check' | 'status';
  /** `galaxy-sdn` */
  plugin?: string;
  /** `galaxy` */
  network?: string;
  /** The version that the configuration asks for: `0.3.1` */
  asked?: string;
  /** The versions that the plugin speaks: `0.1.0`, `0.2.0`. Absent: the text does not tell. */
  supported?: string[];
  /** What the plugin or the runtime said, without the wrapping of the layers above it. */
  detail: string;
}

/**
 * Reads a CNI failure out of an event's, a condition's or a log line's text, whichever runtime wrote it.
 * @returns undefined when the text is about something else, such as a container that runc could not start.
 */
export function parseCniFailure(message: string): CniFailure | undefined {
  // kubelet quotes the runtime's error once more in FailedKillPod: \"galaxy-sdn\".
  const text = message.replaceAll('\\"', '"').replaceAll('\\\\', '\\');
  const kind = kindOf(text);
  if (kind === 'other' && !networkWords.test(text)) return undefined;
  const operation = operationOf(text);
  const plugin = pluginOf(text);
  const network = /plugin type="[^"]*" name="([^"]*)"/.exec(text)?.[1] ?? /CNI network "([^"]*)"/.exec(text)?.[1];
  const asked = /config is "([^"]*)"/.exec(text)?.[1] ?? /does not support config version "([^"]*)"/.exec(text)?.[1];
  const supported = /plugin supports \[([^\]]*)\]/.exec(text)?.[1];
  return {
    kind,
    ...(operation && { operation }),
    ...(plugin && { plugin }),
    ...(network && { network }),
    ...(asked !== undefined && { asked }),
    ...(supported !== undefined && { supported: supported.split(/[\s,"]+/).filter(Boolean) }),
    detail: detailOf(text),
  };
}

/** A CNI failure in a sentence, with the names and versions at hand. */
export function describeCniFailure(failure: CniFailure): string {
  const plugin = failure.plugin ?? l10n.t('a plugin of the chain');
  switch (failure.kind) {
    case 'version':
      return failure.asked && failure.supported
        ? l10n.t(
            'The CNI configuration asks for version {0}, but the plugin {1} speaks only {2}.',
            failure.asked,
            plugin,
            failure.supported.join(', '),
          )
        : l10n.t('The CNI configuration asks the plugin {0} for a version that it does not speak.', plugin);
    case 'missing-plugin':
      return l10n.t('The CNI configuration names the plugin {0}, but its program is not on the node.', plugin);
    case 'missing-name':
      return l10n.t('The CNI configuration has no network name, so the runtime refuses it.');
    case 'no-config':
      return l10n.t('The container runtime has no usable CNI configuration.');
    case 'missing-kubeconfig':
      return l10n.t('The plugin {0} does not find the kubeconfig that its CNI entry names.', plugin);
    case 'unauthorized':
      return l10n.t('The API server refuses the token of the plugin {0}.', plugin);
    case 'iptables-lock':
      return l10n.t('Another program holds the iptables lock of the node.');
    case 'no-address':
      return l10n.t('The plugin {0} has no free address left.', plugin);
    case 'other':
      return l10n.t('The plugin {0} failed: {1}', plugin, failure.detail);
  }
}

/** What to do about it. */
export function adviseOnCniFailure(failure: CniFailure): string {
  switch (failure.kind) {
    case 'version':
      return failure.supported
        ? l10n.t(
            'Give the configuration a version that every plugin of the chain speaks (here: {0}), or put the original file back.',
            failure.supported.join(', '),
          )
        : l10n.t(
            'Give the configuration a version that every plugin of the chain speaks, or put the original file back.',
          );
    case 'missing-plugin':
      return l10n.t('Install the plugin again, or take its entry out of the configuration.');
    case 'missing-name':
      return l10n.t('Add "name" to the configuration file.');
    case 'no-config':
      return l10n.t(
        'Look whether the network’s DaemonSet runs on the node and writes into the directory that the runtime reads.',
      );
    case 'missing-kubeconfig':
    case 'unauthorized':
      return l10n.t('Restart the istio-cni pod of the node: it writes the kubeconfig anew.');
    case 'iptables-lock':
      return l10n.t('Find the program that holds /run/xtables.lock on the node.');
    case 'no-address':
      return l10n.t('Widen the node’s address range, or look for leaked leases of pods that are gone.');
    case 'other':
      return l10n.t('Look into the CNI chain of the node.');
  }
}

/** A word or two for the end of a line. */
export function summarizeCniFailure(failure: CniFailure): string {
  switch (failure.kind) {
    case 'version':
      return l10n.t('CNI version');
    case 'missing-plugin':
      return l10n.t('CNI plugin missing');
    case 'missing-name':
      return l10n.t('CNI configuration without name');
    case 'no-config':
      return l10n.t('no CNI configuration');
    case 'missing-kubeconfig':
      return l10n.t('istio-cni kubeconfig missing');
    case 'unauthorized':
      return l10n.t('istio-cni token refused');
    case 'iptables-lock':
      return l10n.t('iptables lock');
    case 'no-address':
      return l10n.t('no free address');
    case 'other':
      return l10n.t('CNI failure');
  }
}

/** Whether this failure also keeps pods from going away: DEL runs the same chain as ADD. */
export function breaksDelete(failure: CniFailure): boolean {
  return (
    failure.operation === 'delete' || ['version', 'missing-plugin', 'missing-name', 'no-config'].includes(failure.kind)
  );
}

function kindOf(text: string): CniFailureKind {
  if (/incompatible CNI versions|does not support config version/.test(text)) return 'version';
  if (/failed to find plugin "[^"]*"/.test(text)) return 'missing-plugin';
  if (/missing network name/.test(text)) return 'missing-name';
  if (/cni config uninitialized|cni plugin not initialized|no networks found in|No CNI configuration file/i.test(text))
    return 'no-config';
  if (/istio-cni-kubeconfig: no such file/.test(text)) return 'missing-kubeconfig';
  if (networkWords.test(text) && /\bUnauthorized\b/.test(text)) return 'unauthorized';
  if (/xtables\.?lock|xtables lock/i.test(text)) return 'iptables-lock';
  if (/no IP addresses available in range set|no available IP|failed to allocate for range/i.test(text))
    return 'no-address';
  return 'other';
}

/** containerd, CRI-O, and dockershim with its heirs, in this order. */
const networkWords =
  /failed to (?:set ?up|destroy|teardown) network for sandbox|CNI network "|[Nn]etwork[Pp]lugin cni failed|plugin type="[^"]*"[^:]* failed \(|network for pod ".*": networkPlugin/;

function operationOf(text: string): CniFailure['operation'] {
  const named = /failed \((add|delete|check|status)\)/.exec(text)?.[1];
  if (named) return named as CniFailure['operation'];
  if (/failed to destroy network|failed to teardown|error (?:removing|deleting) pod|KillPodSandbox/i.test(text))
    return 'delete';
  if (/failed to set ?up (?:network|pod)|error adding pod|create pod (?:network )?sandbox/i.test(text)) return 'add';
  return undefined;
}

function pluginOf(text: string): string | undefined {
  return (
    /failed to find plugin "([^"]*)"/.exec(text)?.[1] ??
    /plugin (\S+) does not support config version/.exec(text)?.[1] ??
    /plugin type="([^"]*)"/.exec(text)?.[1] ??
    (/istio-cni-kubeconfig/.test(text) ? 'istio-cni' : undefined)
  );
}

function detailOf(text: string): string {
  const inner =
    /failed \((?:add|delete|check|status)\): ([\s\S]*)$/.exec(text)?.[1] ?? /desc = ([\s\S]*)$/.exec(text)?.[1] ?? text;
  return inner.trim().replace(/"$/, (quote) => (count(inner, '"') % 2 ? '' : quote));
}

function count(text: string, mark: string): number {
  return text.split(mark).length - 1;
}
