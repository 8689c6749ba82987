import type { ApiState } from '../api-writes.ts';
import type { RecordedNode } from '../recording.ts';
import type { ControllerContext } from './controller-context.ts';
import { daemonSetController } from './daemon-set-controller.ts';
import { garbageCollector } from './garbage-collector.ts';
import { kubelet } from './kubelet.ts';
import { namespaceController } from './namespace-controller.ts';

/**
 * What moves in a cluster by itself, as thin as the views need it: DaemonSets get their pods, pods start and stop, namespaces
 * empty themselves, orphans go.
 * @returns the function that stops all of it at once.
 */
export function startControllers(state: ApiState, node: RecordedNode): () => void {
  const timers = new Set<NodeJS.Timeout>();
  const context: ControllerContext = {
    ...state,
    node,
    after: (milliseconds, work) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        work();
      }, milliseconds);
      timers.add(timer);
    },
  };
  const controllers = [daemonSetController, kubelet, namespaceController, garbageCollector];
  const ends = controllers.map((controller) => state.store.onChange(controller(context)));
  return () => {
    ends.forEach((end) => end());
    timers.forEach((timer) => clearTimeout(timer));
    timers.clear();
  };
}
