/**
 * The node helper: one program that the extension puts on every node and calls through `pods/exec`. It opens no port,
 * keeps no state and needs nothing but Node; see contract/node-helper.ts for what it is asked and answers.
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import type { InspectPodResult } from '../contract/node-helper.ts';
import { AgentUsageError, parseAgentOptions } from './agent/agent-options.ts';
import { answerRequest } from './answer.ts';
import { CniUsageError, runCni } from './cni/command.ts';
import { asAnswer } from './failure.ts';
import { findNamedNetns, findPodNetns, findProcessNetns, type FoundNetns } from './find-pod.ts';
import { type Host, realHost } from './host.ts';
import { inspectNetns } from './inspect-pod.ts';
import { readRequest } from './read-request.ts';

const help = `Reads packet rules and CNI configuration on a Kubernetes node. Changes nothing, but for cni and agent.

Usage:
  node node-helper.js [request]     one JSON request on standard input, one JSON reply on standard output
  node node-helper.js inspect       the same, when no target is named
  node node-helper.js inspect (--pid N | --netns PATH | --pod-uid UID [--ip IP]...) [--format text|json]
  node node-helper.js cni plan|install|uninstall|repair [--format text|json] [--conf-dir DIR] [--bin-dir DIR]
      [--state-dir DIR] [--results-dir DIR] [--plugin-conf FILE] [--plugin-bin FILE] [--mode chained|standalone]
  node node-helper.js agent [--exclude-namespaces A,B] [--on-miss repair|delete] [--backend auto|nft|legacy]
      [--api URL|none] [--directory DIR]    answer the calls of the CNI plugin until stopped
  node node-helper.js wait          do nothing until stopped: what the helper's pod runs between requests

Options of every verb:
  --proc DIR        where the host's processes are seen     (environment: MESHLOOM_PROC; default /proc)
  --host-root DIR   prefix of the host's directories         (environment: MESHLOOM_HOST_ROOT; default none)
  --help

Exit: 0 answered (a reply may carry an error), 1 inspect failed, 2 wrong usage. Of cni: 0 done, 2 refused and nothing
changed, 1 failed on the way.
`;

/** A call that cannot be understood: exit code 2. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

const options = {
  help: { type: 'boolean', short: 'h' },
  proc: { type: 'string' },
  'host-root': { type: 'string' },
  pid: { type: 'string' },
  netns: { type: 'string' },
  'pod-uid': { type: 'string' },
  ip: { type: 'string', multiple: true },
  format: { type: 'string' },
} as const;

type Flags = ReturnType<typeof parseCommandLine>['flags'];

function parseCommandLine(args: string[]) {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length > 1) throw new UsageError(`One verb at a time: ${positionals.join(' ')}`);
    return { flags: values, verb: positionals[0] ?? 'request' };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message, { cause: error });
  }
}

/** @returns the exit code. */
async function main(args: string[]): Promise<number> {
  if (args[0] === 'agent' && !args.includes('--help') && !args.includes('-h')) return agent(args.slice(1));
  if (args[0] === 'cni' && !args.includes('--help') && !args.includes('-h')) return cni(args.slice(1));
  const { flags, verb } = parseCommandLine(args);
  if (flags.help) return print(help);
  if (verb !== 'inspect') refuseFlags(flags, ['pid', 'netns', 'pod-uid', 'ip', 'format']);
  const host = () =>
    realHost({ ...(flags.proc && { proc: flags.proc }), ...(flags['host-root'] && { hostRoot: flags['host-root'] }) });
  switch (verb) {
    case 'request':
      return answer(host(), await readRequest(process.stdin));
    case 'inspect':
      return namesNothing(flags) ? answerOrExplain(host()) : inspect(host(), flags);
    case 'wait':
      return waitForSignal();
    default:
      throw new UsageError(`There is no verb “${verb}”.`);
  }
}

async function agent(args: string[]): Promise<number> {
  try {
    const options = parseAgentOptions(args, process.env);
    const { proc, hostRoot } = options;
    // Loaded by who needs it: a reading of a full node would carry its memory for nothing.
    const { startAgent } = await import('./agent/start-agent.ts');
    return await startAgent(realHost({ ...(proc && { proc }), ...(hostRoot && { hostRoot }) }), options);
  } catch (error) {
    throw error instanceof AgentUsageError ? new UsageError(error.message, { cause: error }) : error;
  }
}

async function cni(args: string[]): Promise<number> {
  try {
    return await runCni(realHost, args, print);
  } catch (error) {
    throw error instanceof CniUsageError ? new UsageError(error.message, { cause: error }) : error;
  }
}

async function answer(host: Host, request: string): Promise<number> {
  return print(`${JSON.stringify(await answerRequest(host, request))}\n`);
}

function namesNothing({ pid, netns, 'pod-uid': uid, ip, format }: Flags): boolean {
  return [pid, netns, uid, ip, format].every((flag) => flag === undefined);
}

/** `inspect` alone: a program asks with a request, a person forgot the target. */
async function answerOrExplain(host: Host): Promise<number> {
  const request = process.stdin.isTTY ? '' : await readRequest(process.stdin);
  if (request.trim() === '') throw new UsageError(targetMissing);
  return answer(host, request);
}

const targetMissing = 'inspect needs exactly one of --pid, --netns and --pod-uid.';

async function inspect(host: Host, flags: Flags): Promise<number> {
  const format = flags.format ?? 'text';
  if (format !== 'text' && format !== 'json') throw new UsageError(`--format is text or json, not “${format}”.`);
  const find = chooseTarget(host, flags);
  try {
    const started = host.now();
    const result = await inspectNetns(host, find(), started);
    return await print(format === 'json' ? `${JSON.stringify(result, undefined, 2)}\n` : printReadings(result));
  } catch (error) {
    const { code, message, hint } = asAnswer(error);
    process.stderr.write(`${code}: ${message}${hint ? `\n${hint}` : ''}\n`);
    return 1;
  }
}

function chooseTarget(host: Host, flags: Flags): () => FoundNetns {
  const { pid, netns, 'pod-uid': uid, ip: ips = [] } = flags;
  if ([pid, netns, uid].filter((value) => value !== undefined).length !== 1) {
    throw new UsageError(targetMissing);
  }
  if (ips.length > 0 && uid === undefined) throw new UsageError('--ip goes with --pod-uid.');
  if (uid !== undefined) {
    if (uid === '') throw new UsageError('--pod-uid is empty.');
    return () => findPodNetns(host, { uid, namespace: '', name: '', ips });
  }
  if (netns !== undefined) return () => findNamedNetns(host, netns);
  if (!/^[1-9]\d*$/.test(pid!)) throw new UsageError(`--pid is a number, not “${pid}”.`);
  return () => findProcessNetns(host, Number(pid));
}

function refuseFlags(flags: Flags, names: (keyof Flags)[]): void {
  const given = names.find((name) => flags[name] !== undefined);
  if (given) throw new UsageError(`--${given} goes with inspect.`);
}

/** All readings one after the other; what does not stand in them are comments, so that it stays readable for parsers of rules. */
function printReadings({ readings, notes }: InspectPodResult): string {
  const comments = notes.flatMap((note) => note.split('\n')).map((line) => `# note: ${line}\n`);
  return [...comments, ...readings.map(({ command, text }) => `# ${command}\n${text}`)].join('');
}

/** Idle until the runtime stops the container, and then gone at once: without this the pod would take 30 s to end. */
function waitForSignal(): Promise<number> {
  return new Promise((resolve) => {
    const idle = setInterval(() => undefined, 2 ** 31 - 1);
    const stop = () => {
      clearInterval(idle);
      resolve(0);
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
  });
}

function print(text: string): Promise<number> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve(0)));
}

// V8's nursery would grow with the many short-lived texts of a full node, by more than all that is kept of them.
setFlagsFromString('--semi-space-growth-factor=1');
// A reader that goes away early (`| head`) is no failure of ours.
process.stdout.on('error', () => process.exit(0));
main(process.argv.slice(2)).then(
  // Standard input may stay open for ever when pods/exec cannot close it: end without waiting for it.
  (code) => process.exit(code),
  (error: unknown) => {
    const usage = error instanceof UsageError;
    process.stderr.write(usage ? `${error.message}\nTry --help.\n` : `${asAnswer(error).message}\n`);
    process.exit(usage ? 2 : 1);
  },
);
