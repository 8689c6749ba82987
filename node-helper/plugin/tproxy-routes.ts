/**
 * Routing for TPROXY: mangle marks a packet for somebody else's address, and only this rule makes the kernel deliver it here.
 *
 *     :PREROUTING ISTIO_TPROXY (mark 1337) → ip rule fwmark 1337 → table 133 → local → proxy :15006
 */
import type { Host } from '../host.ts';
import { runIn } from '../tools.ts';
import type { Family, NetnsTarget, Workplace } from './toolbox.ts';

/** The one that Istio's own plugin takes. */
const table = 133;
/** Where the kernel puts Istio's, the first of a netns. Without a number it would take a second one like it. */
const preference = 32765;

/** Safe to repeat: the kernel refuses what is there already. @returns what went wrong. */
export async function addRoutes(
  host: Host,
  target: NetnsTarget,
  workplaces: readonly Workplace[],
  families: readonly Family[],
  mark: number,
): Promise<string | undefined> {
  const commands = [
    `rule add pref ${preference} fwmark ${mark} lookup ${table}`,
    `route replace local default dev lo table ${table}`,
  ];
  const problems = await Promise.all(families.map((family) => batch(host, target, workplaces, { family, commands })));
  return problems.find((problem) => problem !== undefined);
}

/** What is not there cannot be removed, and need not. */
export async function removeRoutes(host: Host, target: NetnsTarget, workplaces: readonly Workplace[]): Promise<void> {
  const commands = [`rule del lookup ${table}`, `route flush table ${table}`];
  await Promise.all((['4', '6'] as const).map((family) => batch(host, target, workplaces, { family, commands })));
}

interface Batch {
  family: Family;
  commands: string[];
}

async function batch(
  host: Host,
  target: NetnsTarget,
  workplaces: readonly Workplace[],
  { family, commands }: Batch,
): Promise<string | undefined> {
  const found = workplaces.find(({ tools }) => tools.ip !== undefined);
  const ip = found?.tools.ip;
  if (!found || ip === undefined) return 'TPROXY takes policy routing, and no program ip (package iproute2) was found.';
  const run = (args: string[], stdin?: string) =>
    runIn(host, found.place, target.netns, [ip, `-${family}`, ...args], stdin === undefined ? {} : { stdin });
  const together = await run(['-force', '-batch', '-'], `${commands.join('\n')}\n`);
  const [said] = complaints(together.stderr);
  if (together.code === 0 || (together.code !== undefined && said === undefined && together.stderr !== ''))
    return undefined;
  // The ip of busybox takes no batch.
  for (const command of commands) {
    const alone = await run(command.split(' '));
    const [complaint] = alone.code === 0 ? [] : complaints(alone.stderr);
    if (alone.code === undefined || complaint !== undefined)
      return `“ip -${family} ${command}” failed: ${complaint ?? 'it could not be run'}.`;
  }
  return undefined;
}

/** Without what only says that it is there already. */
function complaints(stderr: string): string[] {
  return stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('Command failed ') && !line.includes('File exists'));
}
