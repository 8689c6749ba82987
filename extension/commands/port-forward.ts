import type { TreeTarget } from '../actions/pod-targets.ts';
import type { PortChoice } from '../actions/forward-port.ts';
import { commandIds } from '../ids.ts';
import { defineCommand } from './define-command.ts';
import { loadInspection } from './load-inspection.ts';

/** Forwards a port of this machine to a pod, a workload or a Service. */
export const portForwardCommand = defineCommand<[target: TreeTarget & { forward?: PortChoice }]>(
  commandIds.portForward,
  async (app, target) => (await loadInspection()).forwardPort(app, target),
);

/** Lists the forwarded ports of this window: open in the browser, copy, stop. */
export const listPortForwardsCommand = defineCommand(commandIds.listPortForwards, async (app) =>
  (await loadInspection()).pickForward(app),
);
