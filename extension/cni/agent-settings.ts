/** Whether the agents of a cluster run with the settings that the person has now. Pure. */
import type { AgentSettings } from '../../contract/cni-plugin.ts';
import type { DeployedHelper } from '../node-helper/deploy.ts';
import { agentCommand } from '../node-helper/manifest.ts';

/** The settings of an agent as its command line has them; undefined: no agent runs. */
export function settingsInCommand(command: string): string | undefined {
  return / agent (.*)$/.exec(` ${command}`)?.[1];
}

/** Whether agents run there, and with other settings. */
export function runsOtherSettings(
  deployed: Pick<DeployedHelper, 'mode' | 'command'> | undefined,
  settings: AgentSettings,
): boolean {
  if (deployed?.mode !== 'intercept') return false;
  return settingsInCommand(deployed.command) !== settingsInCommand(agentCommand(settings).join(' '));
}
