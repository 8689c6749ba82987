/** `agent.json`: what the agent tells of itself, for who looks without asking it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { agentFiles, type AgentStatus } from '../../contract/cni-plugin.ts';
import { attempt } from '../failure.ts';
import type { Host } from '../host.ts';
import { writeWhole } from './record-store.ts';

const longestStatus = 64 * 1024;

export function writeStatus(directory: string, status: AgentStatus): void {
  writeWhole(directory, join(directory, agentFiles.status), `${JSON.stringify(status)}\n`);
}

/** @returns undefined where none ever ran, or what lies there is not a status. */
export function readStatus(host: Host, directory: string): AgentStatus | undefined {
  const text = attempt(() => host.read(join(directory, agentFiles.status), longestStatus));
  const status = text === undefined ? undefined : attempt(() => JSON.parse(text) as Partial<AgentStatus> | null);
  if (typeof status?.pid !== 'number' || typeof status.aliveAt !== 'string') return undefined;
  if (typeof status.settings !== 'object' || typeof status.api !== 'object') return undefined;
  return status as AgentStatus;
}

/** Tells one directory or file from another of the same name. */
export function identityOf(path: string): string | undefined {
  return attempt(() => {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  });
}
