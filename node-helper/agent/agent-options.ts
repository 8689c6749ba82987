/** What the agent is told: on its command line, else in its environment, else the usual. */
import { parseArgs } from 'node:util';
import { agentDirectory, type AgentSettings, defaultAgentSettings } from '../../contract/cni-plugin.ts';
import { helperEnvironment } from '../../contract/node-helper-rights.ts';

export interface AgentOptions {
  settings: AgentSettings;
  /** On the host, so below the host root. */
  directory: string;
  /** A URL or `none`; absent: as a pod finds it. */
  api?: string;
  hostRoot?: string;
  proc?: string;
}

/** What was said cannot be understood. */
export class AgentUsageError extends Error {
  override readonly name = 'AgentUsageError';
}

const flags = {
  'exclude-namespaces': { type: 'string' },
  'on-miss': { type: 'string' },
  backend: { type: 'string' },
  api: { type: 'string' },
  directory: { type: 'string' },
  'host-root': { type: 'string' },
  proc: { type: 'string' },
} as const;

/** @throws {AgentUsageError} */
export function parseAgentOptions(args: string[], env: Record<string, string | undefined>): AgentOptions {
  const values = parseFlags(args);
  const said = (flag: keyof typeof values, name: string) => values[flag] ?? env[name];
  const api = said('api', helperEnvironment.api) || undefined;
  if (api !== undefined && api !== 'none' && !/^https?:\/\/[^/]/.test(api))
    throw new AgentUsageError(`--api takes a URL or none, not “${api}”.`);
  return {
    settings: {
      excludeNamespaces: listOf(said('exclude-namespaces', helperEnvironment.excludeNamespaces)),
      onMiss: oneOf('--on-miss', said('on-miss', helperEnvironment.onMiss), ['repair', 'delete']),
      backend: oneOf('--backend', said('backend', helperEnvironment.backend), ['auto', 'nft', 'legacy']),
    },
    directory: agentDirectoryOf(said('directory', helperEnvironment.directory)),
    ...(api !== undefined && { api }),
    ...(values['host-root'] !== undefined && { hostRoot: values['host-root'] }),
    ...(values.proc !== undefined && { proc: values.proc }),
  };
}

/** @throws {AgentUsageError} for one that does not begin at the root. */
export function agentDirectoryOf(said: string | undefined): string {
  const directory = said?.replace(/\/+$/, '') || agentDirectory;
  if (!directory.startsWith('/')) throw new AgentUsageError(`--directory begins with a slash, not “${directory}”.`);
  return directory;
}

function parseFlags(args: string[]) {
  try {
    return parseArgs({ args, options: flags }).values;
  } catch (error) {
    throw new AgentUsageError((error as Error).message, { cause: error });
  }
}

/** Said to be none, it is none. */
function listOf(text: string | undefined): string[] {
  if (text === undefined) return defaultAgentSettings.excludeNamespaces;
  return [...new Set(text.split(',').map((name) => name.trim()))].filter((name) => name !== '');
}

function oneOf<Choice extends string>(
  flag: string,
  text: string | undefined,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  if (text === undefined || text === '') return choices[0];
  const choice = choices.find((known) => known === text);
  if (choice === undefined) throw new AgentUsageError(`${flag} is one of ${choices.join(', ')}, not “${text}”.`);
  return choice;
}
