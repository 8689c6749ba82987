/** `read-agent`: what the plugin's agent did with each pod of this node. Answered beside it, from its files. */
import { join } from 'node:path';
import { agentFiles, type ReadAgentResult } from '../../contract/cni-plugin.ts';
import { helperEnvironment } from '../../contract/node-helper-rights.ts';
import type { Host } from '../host.ts';
import { agentDirectoryOf } from './agent-options.ts';
import { readMissedNotes } from './missed-notes.ts';
import { answers } from './own-socket.ts';
import { readRecords } from './record-store.ts';
import { readStatus } from './status-file.ts';

/** Milliseconds after which a living agent would have written its status anew. */
const longestSilence = 90_000;

/** @param said the directory on the host; default as the agent's own environment names it, else the usual. */
export async function readAgent(host: Host, said = process.env[helperEnvironment.directory]): Promise<ReadAgentResult> {
  const directory = host.hostRoot + agentDirectoryOf(said);
  const status = readStatus(host, directory);
  const running = await answers(join(directory, agentFiles.socket));
  const notes: string[] = [];
  if (status && !running)
    notes.push(
      `The agent was alive at ${status.aliveAt}, and does not answer now: pods start without their rules until it does.`,
    );
  if (status && running && Date.now() - Date.parse(status.aliveAt) > longestSilence)
    notes.push(`Something answers on the agent’s socket, but its status is from ${status.aliveAt}.`);
  const records = readRecords(host, join(directory, agentFiles.pods));
  const known = new Set(records.map(({ containerId }) => containerId));
  for (const { containerId, ids } of readMissedNotes(host, join(directory, agentFiles.missed))) {
    if (known.has(containerId)) continue;
    const pod = ids.name === '' ? `the sandbox ${containerId}` : `${ids.namespace}/${ids.name}`;
    notes.push(`${pod} started while no agent answered, and waits for one to look after it.`);
  }
  return { ...(status && { status }), running, records, notes };
}
