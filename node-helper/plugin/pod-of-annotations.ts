/** A pod as far as its annotations tell of it, for when the API server does not answer. */
import type { Pod } from '../../mesh/kubernetes.ts';
import type { PodIds } from './types.ts';

export interface GuessedPod {
  pod: Pod;
  /** What may be otherwise in truth. */
  problems: string[];
}

/**
 * `sidecar.istio.io/status` lists what the injector has added: `{"initContainers":["istio-validation"],"containers":["istio-proxy"],…}`.
 * @returns undefined when nothing can be told: whether there is a sidecar at all is not known then.
 */
export function guessPod({ namespace, name, uid }: PodIds, annotations: Record<string, string>): GuessedPod {
  const metadata = { namespace, name, ...(uid !== '' && { uid }), annotations };
  const status = parseStatus(annotations['sidecar.istio.io/status']);
  // Not injected: that is known for certain.
  if (!status) return { pod: { metadata, spec: { containers: [] } }, problems: [] };
  const proxy = { name: 'istio-proxy' };
  const isNative = status.initContainers.includes(proxy.name);
  const own = { name: '(the application)' };
  const intercepted = status.initContainers.some((each) => each === 'istio-validation' || each === 'istio-init');
  return {
    pod: {
      metadata,
      spec: {
        initContainers: status.initContainers.map((each) => ({
          name: each,
          ...(each === proxy.name && { restartPolicy: 'Always' }),
        })),
        containers: [
          ...(isNative ? [] : status.containers.map((each) => ({ name: each }))),
          // A gateway is injected too, and nothing is taken to it: it has no istio-validation.
          ...(intercepted ? [own] : []),
        ],
      },
    },
    problems: intercepted
      ? [
          'The API server did not answer: the pod is known by its annotations alone. Its istio-proxy is taken to run as user and group 1337, without DNS capture, without INVALID_DROP and without dual stack.',
        ]
      : [],
  };
}

interface Injected {
  containers: string[];
  initContainers: string[];
}

function parseStatus(text: string | undefined): Injected | undefined {
  if (text === undefined) return undefined;
  try {
    const status = JSON.parse(text) as { containers?: unknown; initContainers?: unknown } | null;
    return { containers: names(status?.containers), initContainers: names(status?.initContainers) };
  } catch {
    return { containers: [], initContainers: [] };
  }
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}
