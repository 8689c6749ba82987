/** The verb `agent`: the parts of the agent put together, and what makes it end. */
import { join } from 'node:path';
import type { Host } from '../host.ts';
import { handleCall } from '../plugin/handle-call.ts';
import { guessPod } from '../plugin/pod-of-annotations.ts';
import type { PluginWorld } from '../plugin/types.ts';
import { warmUp } from '../plugin/warm-up.ts';
import type { AgentOptions } from './agent-options.ts';
import { apiServer, findApiServer } from './api-server.ts';
import { findSandboxNetns, ruleKeeper } from './pod-rules.ts';
import { findRememberedPod } from './remembered-pods.ts';
import { repairer } from './repair-missed.ts';
import { runAgent } from './run-agent.ts';

/** Where libcni keeps what it connected, on the host. */
const resultsDirectory = '/var/lib/cni/results';

/** @returns the exit code, when a signal has ended it. */
export async function startAgent(host: Host, options: AgentOptions): Promise<number> {
  const ended = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.abort());
  // One bad pod, file or neighbour must not end what every pod of the node depends on.
  process.on('uncaughtException', (error) => log(`a fault of the agent’s: ${error.stack ?? String(error)}`));
  process.on('unhandledRejection', (reason) => log(`a fault of the agent’s: ${String(reason)}`));
  // Whoever read the log went away.
  process.stderr.on('error', () => undefined);
  warmUp();
  const address = findApiServer(options.api, process.env);
  await runAgent(
    {
      host,
      settings: options.settings,
      directory: host.hostRoot + options.directory,
      api: address && apiServer(host, address),
      answer: async (world, call) => {
        const reply = await handleCall(world, call);
        if (call.env['CNI_COMMAND'] === 'ADD') logRecord(world, call.env['CNI_CONTAINERID'] ?? '');
        return reply;
      },
      repairer: (world, pods, notes) =>
        repairer({
          ...world,
          pods,
          notes,
          log,
          rules: ruleKeeper(world),
          remembered: (containerId) => remembered(host, containerId),
          findNetns: (target, around) => findSandboxNetns(host, target, around),
        }),
      log,
    },
    ended.signal,
  );
  return 0;
}

function remembered(host: Host, containerId: string) {
  const found = findRememberedPod(host, join(host.hostRoot, resultsDirectory), containerId);
  return found && { pod: guessPod(found.ids, found.annotations).pod };
}

/** One line per sandbox: what was decided, and why. */
function logRecord({ records }: PluginWorld, containerId: string): void {
  const record = records.get(containerId);
  if (!record) return;
  const { outcome, namespace, name, steps, problems, tookMs } = record;
  const why = problems[0] ?? steps.at(-1)?.says ?? '';
  log(`${outcome} ${namespace}/${name}${tookMs === undefined ? '' : ` in ${tookMs} ms`}: ${why}`);
}

/** On standard error, which the kubelet keeps. What comes from outside may hold line breaks. */
function log(line: string): void {
  process.stderr.write(`${new Date().toISOString()} ${line.replace(/\s*[\r\n]+\s*/g, ' ').slice(0, 1_000)}\n`);
}
