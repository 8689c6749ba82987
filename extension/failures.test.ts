import { expect, it, vi } from 'vitest';
import { ClusterFailure } from './cluster/cluster.ts';
import { plainLabel } from './trees/literal-text.ts';

vi.mock('vscode', () => ({}));
const { describeFailure } = await import('./failures.ts');

it('nothing that a server says becomes a link in a notification, which would run a command', () => {
  const said =
    'pods is forbidden: [Log in](command:workbench.action.terminal.sendSequence?%7B%7D)\u001b[2J\u202egnp.exe';
  const text = describeFailure(new ClusterFailure('forbidden', said, 'Ask\nfor a role.'));
  expect(text).not.toMatch(/\]\(/);
  expect(text).not.toMatch(/[\u0000-\u001f\u202a-\u202e]/);
  expect(text).toContain('Log in');
  expect(text.endsWith('Ask for a role.')).toBe(true);
  expect(describeFailure(new Error('x'.repeat(10_000_000))).length).toBeLessThan(3_000);
});

it('a name cannot draw an icon in a picker', () => {
  expect(plainLabel('$(check) prod\u200b')).toBe('$ (check) prod\ufffd');
});
