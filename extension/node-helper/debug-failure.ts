import * as l10n from '@vscode/l10n';
import type { ContainerStatus } from '../../mesh/kubernetes.ts';

export type DebugTrouble = 'image' | 'configuration' | 'no-program' | 'timeout' | 'ended' | 'pod-gone';

/** The debug container was accepted and did not get to tell the rules. `message`: what and why; `next`: what to do. */
export class DebugContainerFailure extends Error {
  override readonly name = 'DebugContainerFailure';
  readonly kind: DebugTrouble;
  readonly next: string;
  constructor(kind: DebugTrouble, message: string, next: string) {
    super(message);
    this.kind = kind;
    this.next = next;
  }
}

/** Reasons that the kubelet gives for an image that it cannot have. */
const imageReasons =
  /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|ImageInspectError|RegistryUnavailable)$/;
const configurationReasons = /^(CreateContainerConfigError|CreateContainerError|RunContainerError)$/;

export function isImageTrouble(status: ContainerStatus | undefined): boolean {
  return imageReasons.test(status?.state?.waiting?.reason ?? '');
}

/**
 * Why a container will not run, from its status; undefined as long as it may.
 * @param final the time is up: what may still have passed counts as well.
 */
export function whyNotStarting(
  container: string,
  image: string,
  status: ContainerStatus | undefined,
  final: boolean,
): DebugContainerFailure | undefined {
  const { waiting, terminated } = status?.state ?? {};
  const said = waiting ?? terminated;
  const why = [said?.reason, said?.message].filter(Boolean).join(': ');
  if (isMissingProgram(said?.message) || terminated?.exitCode === 127)
    return new DebugContainerFailure(
      'no-program',
      l10n.t('The debug container “{0}” could not start: image {1} lacks the program. {2}', container, image, why),
      l10n.t('Deploy the node helper instead.'),
    );
  if (waiting?.reason && imageReasons.test(waiting.reason)) {
    // The first failure may be a registry that is busy; the second says BackOff.
    if (waiting.reason === 'ErrImagePull' && !final) return undefined;
    return new DebugContainerFailure(
      'image',
      l10n.t('The debug container “{0}” could not start: the node cannot have image {1}. {2}', container, image, why),
      l10n.t('Look at the registry and the pod’s imagePullSecrets, or deploy the node helper instead.'),
    );
  }
  if (waiting?.reason && configurationReasons.test(waiting.reason) && (final || waiting.reason !== 'RunContainerError'))
    return new DebugContainerFailure(
      'configuration',
      l10n.t('The debug container “{0}” could not start. {1}', container, why),
      l10n.t('Deploy the node helper instead.'),
    );
  if (terminated && (terminated.reason === 'StartError' || terminated.reason === 'ContainerCannotRun'))
    return new DebugContainerFailure(
      'configuration',
      l10n.t('The debug container “{0}” could not start. {1}', container, why),
      l10n.t('Deploy the node helper instead.'),
    );
  if (!final) return undefined;
  return new DebugContainerFailure(
    'timeout',
    why
      ? l10n.t('The debug container “{0}” did not start in time. {1}', container, why)
      : l10n.t(
          'The debug container “{0}” did not start in time: the kubelet of the pod’s node has said nothing about it.',
          container,
        ),
    l10n.t('Look at the pod’s events and at its node; it may still start, then read again.'),
  );
}

function isMissingProgram(message = ''): boolean {
  return /executable file not found|no such file or directory: unknown|exec format error/.test(message);
}
