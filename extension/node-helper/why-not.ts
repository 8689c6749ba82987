/** Why one way to a pod's rules is closed, in three parts: what, why, what to do next. Pure: no cluster, no clock. */
import * as l10n from '@vscode/l10n';
import type { FailureView } from '../../contract/interception-view.ts';
import { UnreadableReply, type NodeHelperError } from '../../contract/node-helper.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { ClusterFailure } from '../cluster/cluster.ts';
import { HelperMissing } from './client.ts';
import { DebugContainerFailure } from './debug-failure.ts';

type Parts = FailureView;

const retry = (): Parts['actions'][number] => ({ id: 'retry', label: l10n.t('Read Again') });
const deploy = (): Parts['actions'][number] => ({ id: 'deploy-node-helper', label: l10n.t('Deploy Node Helper…') });
const log = (): Parts['actions'][number] => ({ id: 'show-log', label: l10n.t('Show Log') });

/** @returns undefined for an error that closes every way: the API server is out of reach, or it was cancelled. */
export function whyNoHelper(error: unknown, pod: Pod): Parts | undefined {
  const name = pod.metadata?.name ?? '';
  const node = pod.spec?.nodeName ?? '?';
  if (error instanceof HelperMissing) {
    return {
      what: l10n.t('No node helper answers on node {0}, so the rules of {1} could not be read there.', node, name),
      why: error.message,
      next: error.next,
      actions: error.canDeploy ? [deploy(), retry()] : [retry()],
    };
  }
  if (error instanceof UnreadableReply) {
    return {
      what: l10n.t(
        'The answer of the node helper on {0} cannot be read, so the rules of {1} are not known.',
        node,
        name,
      ),
      why: error.message,
      next: l10n.t('Read again; if it stays so, deploy the node helper again. The log has what arrived.'),
      actions: [retry(), deploy(), log()],
    };
  }
  if (!(error instanceof ClusterFailure) || closesEveryWay(error)) return undefined;
  return {
    what: l10n.t('The node helper on {0} could not be asked for the rules of {1}.', node, name),
    why: error.message,
    next: error.next,
    actions: [retry(), log()],
  };
}

/** The helper answered that it cannot. Its own words are English and stand as they are; what they mean is said in the user's language. */
export function whyRefused(error: NodeHelperError, pod: Pod): Parts {
  const name = pod.metadata?.name ?? '';
  const node = pod.spec?.nodeName ?? '?';
  const why = [error.message, error.hint].filter(Boolean).join(' ');
  switch (error.code) {
    case 'pod-not-found':
      return {
        what: l10n.t('The node helper found no process of {0} on node {1}.', name, node),
        why,
        next: l10n.t('The pod may just have restarted: read again.'),
        actions: [retry(), log()],
      };
    case 'host-network':
      return {
        what: l10n.t('{0} shares the network namespace of node {1}.', name, node),
        why,
        next: l10n.t('A pod on the host network is never redirected; there are no rules of its own to show.'),
        actions: [],
      };
    case 'sandboxed':
      return {
        what: l10n.t(
          'The rules of {0} are not visible: it runs in a sandbox that node {1} cannot look into.',
          name,
          node,
        ),
        why,
        next: l10n.t(
          'Kata and gVisor keep the pod’s network inside a machine or kernel of their own: read the rules from inside the pod.',
        ),
        actions: [retry()],
      };
    case 'no-iptables':
      return {
        what: l10n.t('Node {0} has no iptables that could print the rules of {1}.', node, name),
        why,
        next: l10n.t('Use a helper image that has iptables (setting “meshloom.helper.image”), then deploy again.'),
        actions: [deploy(), retry()],
      };
    case 'not-permitted':
      return {
        what: l10n.t('The node helper on {0} is not allowed to enter the network namespace of {1}.', node, name),
        why,
        next: l10n.t(
          'A security policy of the node (SELinux, AppArmor, seccomp) is the usual reason. Deploy again to renew the helper’s rights.',
        ),
        actions: [deploy(), retry(), log()],
      };
    case 'timeout':
      return {
        what: l10n.t('The node helper on {0} did not get through in time.', node),
        why,
        next: l10n.t('The node may be under load: read again.'),
        actions: [retry(), log()],
      };
    case 'protocol':
    case 'unknown-verb':
    case 'bad-request':
      return {
        what: l10n.t('The node helper on {0} is of another version and does not understand this extension.', node),
        why,
        next: l10n.t('Deploy it again: the same command upgrades it in place.'),
        actions: [{ id: 'deploy-node-helper', label: l10n.t('Upgrade Node Helper…') }, retry()],
      };
    default:
      return {
        what: l10n.t('The node helper on {0} failed to read the rules of {1}.', node, name),
        why,
        next: l10n.t('The log has the whole answer.'),
        actions: [retry(), log()],
      };
  }
}

/** @returns undefined for an error that closes every way. */
export function whyNoDebugContainer(error: unknown, pod: Pod): Parts | undefined {
  const name = pod.metadata?.name ?? '';
  const namespace = pod.metadata?.namespace ?? '';
  const what = l10n.t('The rules of {0} could not be read from inside the pod.', name);
  if (error instanceof DebugContainerFailure) {
    return { what, why: error.message, next: error.next, actions: [deploy(), retry(), log()] };
  }
  if (!(error instanceof ClusterFailure) || closesEveryWay(error)) return undefined;
  if (error.reason === 'forbidden' && /PodSecurity/.test(error.said ?? '')) {
    return {
      what: l10n.t('Pod Security keeps a debug container out of {0}.', name),
      why: error.message,
      next: l10n.t(
        'Namespace “{0}” does not allow NET_ADMIN. Use the node helper: it lives in a namespace of its own and leaves this one as it is.',
        namespace,
      ),
      actions: [deploy(), retry()],
    };
  }
  return {
    what,
    why: error.message,
    next: [error.next, l10n.t('Or use the node helper.')].filter(Boolean).join(' '),
    actions: [deploy(), retry(), log()],
  };
}

/** Nobody agreed to a debug container yet, or none can be had. */
export function whyDebugContainerNotTried(pod: Pod, canOffer: boolean): Parts {
  const name = pod.metadata?.name ?? '';
  return canOffer
    ? {
        what: l10n.t('The rules of {0} were not read from inside the pod.', name),
        why: l10n.t('That takes a debug container, which stays in the pod’s spec for ever: none is added unasked.'),
        next: l10n.t('Agree to it, or deploy the node helper.'),
        actions: [],
      }
    : {
        what: l10n.t('The rules of {0} cannot be read from inside the pod.', name),
        why: l10n.t('It has no container of Istio’s, so no image is known that would bring iptables into it.'),
        next: l10n.t('Deploy the node helper: it needs nothing from the pod.'),
        actions: [],
      };
}

function closesEveryWay({ reason }: ClusterFailure): boolean {
  return ['cancelled', 'unreachable', 'unauthorized', 'kubeconfig'].includes(reason);
}
