import { describe, expect, it } from 'vitest';
import { ClusterFailure } from '../cluster/cluster.ts';
import { askNodes, listTargetNodes } from './ask-nodes.ts';
import { describePlans } from './describe-plans.ts';
import { changesOf, groupPlans, sortNodes } from './node-plans.ts';
import { fakeCluster, insertion, refusal } from './testing.ts';

const plan = { verb: 'cni', action: 'plan' } as const;
const subject = { context: 'test', action: 'install', mode: 'chained' } as const;

describe('asking every node', () => {
  it('groups those that would change alike, names those that refuse, and those that are silent', async () => {
    const cluster = fakeCluster({
      n1: {},
      n2: {},
      n3: { answer: () => refusal('“old” speaks only 0.1.0') },
      n4: { silent: true },
    });
    const plans = groupPlans(await askNodes(cluster, ['n1', 'n2', 'n3', 'n4'], plan));
    expect(plans.groups.map(({ nodes }) => nodes)).toEqual([['n1', 'n2'], ['n3']]);
    expect(sortNodes(plans)).toMatchObject({
      willing: ['n1', 'n2'],
      refusing: [{ node: 'n3', why: '“old” speaks only 0.1.0' }, { node: 'n4' }],
    });
    const text = describePlans(plans, subject);
    expect(text).toMatch(
      /## n1, n2[\s\S]*Changed: \/etc\/cni\/net\.d\/10-net\.conflist[\s\S]*## n3[\s\S]*Refused[\s\S]*## n4/,
    );
  });

  it('asks again at most eight at once, and each once', async () => {
    const names = Array.from({ length: 40 }, (_, at) => `n${at}`);
    const cluster = fakeCluster(Object.fromEntries(names.map((name) => [name, {}])));
    const answers = await askNodes(cluster, names, plan);
    expect(answers.map(({ node }) => node)).toEqual(names);
    expect(cluster.asked).toHaveLength(40);
  });

  it('gives up as a whole when the cluster itself refuses', async () => {
    const cluster = fakeCluster({
      n1: {
        answer: () => {
          throw new ClusterFailure('forbidden', 'pods/exec is forbidden', 'Ask for the right.');
        },
      },
    });
    await expect(askNodes(cluster, ['n1'], plan)).rejects.toThrow('pods/exec is forbidden');
  });

  it('asks for an upgrade where an older helper does not know the question', async () => {
    const cluster = fakeCluster({ n1: { answer: () => ({ code: 'unknown-verb', message: 'what?' }) } });
    const [answer] = await askNodes(cluster, ['n1'], plan);
    expect(answer).toMatchObject({
      ok: false,
      canDeploy: true,
      next: expect.stringMatching(/deploy it again/) as string,
    });
  });

  it('leaves Windows and virtual nodes out', async () => {
    const cluster = fakeCluster({
      n1: {},
      w1: { labels: { 'kubernetes.io/os': 'windows' } },
      v1: { labels: { type: 'virtual-kubelet' } },
    });
    expect((await listTargetNodes(cluster)).map(({ name }) => name)).toEqual(['n1']);
  });
});

describe('the changes of a plan', () => {
  it('are a file before and after; one that goes has no after, a new one no before', () => {
    const { plan: one } = insertion();
    const result = insertion({
      before: { '00-galaxy.conf': 'single' },
      plan: { ...one, writes: [{ name: '00-galaxy.conflist', content: 'list' }], removes: ['00-galaxy.conf'] },
    });
    expect(changesOf(result)).toEqual([
      { path: '/etc/cni/net.d/00-galaxy.conf', before: 'single' },
      { path: '/etc/cni/net.d/00-galaxy.conflist', after: 'list' },
    ]);
  });

  it('say nothing that a node could turn into markup', () => {
    const plans = groupPlans([{ node: 'n1', ok: true, result: refusal('[click](command:evil) <b>\n# head') }]);
    expect(describePlans(plans, subject)).not.toMatch(/\[click\]\(|<b>|^# head/m);
  });
});
