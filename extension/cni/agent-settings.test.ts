import { expect, test } from 'vitest';
import { defaultAgentSettings } from '../../contract/cni-plugin.ts';
import { agentCommand } from '../node-helper/manifest.ts';
import { runsOtherSettings, settingsInCommand } from './agent-settings.ts';

const command = agentCommand(defaultAgentSettings).join(' ');
const deployed = { mode: 'intercept', command } as const;

test('agents run with other settings where their command line says so, whatever Node is told beside', () => {
  expect(settingsInCommand(command)).toBe('--exclude-namespaces kube-system --on-miss repair --backend auto');
  expect(settingsInCommand('node /run/meshloom/node-helper.js wait')).toBeUndefined();
  expect(runsOtherSettings(deployed, defaultAgentSettings)).toBe(false);
  const older = command.replace(/--jitless|--expose-gc/g, '').replace(/ +/g, ' ');
  expect(runsOtherSettings({ ...deployed, command: older }, defaultAgentSettings)).toBe(false);
  for (const change of [{ onMiss: 'delete' }, { backend: 'nft' }, { excludeNamespaces: [] }] as const)
    expect(runsOtherSettings(deployed, { ...defaultAgentSettings, ...change } as never)).toBe(true);
});

test('where no agent runs there is nothing to apply', () => {
  const other = { ...defaultAgentSettings, backend: 'nft' } as const;
  expect(runsOtherSettings(undefined, other)).toBe(false);
  expect(runsOtherSettings({ mode: 'observe', command: 'node x wait' }, other)).toBe(false);
});
