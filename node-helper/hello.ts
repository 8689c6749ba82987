import type { HelloResult } from '../contract/node-helper.ts';
import type { Host } from './host.ts';
import { listHostProcesses, listProcesses } from './processes.ts';
import { findHostPlace, listIptablesTools, ownPlace } from './tools.ts';

/** `hello`: who answers, and whether this node has what reading rules takes. */
export async function hello(host: Host): Promise<HelloResult> {
  const hostPlace = findHostPlace(host, listHostProcesses(host, listProcesses(host)));
  try {
    const iptables = await listIptablesTools(host, [ownPlace(), ...(hostPlace ? [hostPlace] : [])]);
    return { node: host.node, kernel: host.kernel, iptables };
  } finally {
    for (const file of hostPlace?.files ?? []) file.close();
  }
}
