import { describe, expect, it } from 'vitest';
import { AgentUsageError, parseAgentOptions } from './agent-options.ts';

describe('the agent’s options', () => {
  it('are the usual ones when nothing is said', () => {
    expect(parseAgentOptions([], {})).toEqual({
      settings: { excludeNamespaces: ['kube-system'], onMiss: 'repair', backend: 'auto' },
      directory: '/run/meshloom',
    });
  });

  it('stand on the command line, else in the environment', () => {
    const env = {
      MESHLOOM_ON_MISS: 'delete',
      MESHLOOM_BACKEND: 'nft',
      MESHLOOM_EXCLUDE_NAMESPACES: 'a, b,a',
      MESHLOOM_API: '',
    };
    expect(parseAgentOptions(['--backend', 'legacy'], env)).toMatchObject({
      settings: { excludeNamespaces: ['a', 'b'], onMiss: 'delete', backend: 'legacy' },
    });
    expect(parseAgentOptions(['--exclude-namespaces', ''], env).settings.excludeNamespaces).toEqual([]);
  });

  it.each([
    ['--on-miss', 'ignore'],
    ['--backend', 'ipvs'],
    ['--api', 'localhost'],
    ['--directory', 'run/meshloom'],
    ['--unknown', 'x'],
  ])('refuse %s %s', (flag, value) => {
    expect(() => parseAgentOptions([flag, value], {})).toThrow(AgentUsageError);
  });
});
