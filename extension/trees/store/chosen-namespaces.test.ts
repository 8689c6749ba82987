import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { App } from '../../app.ts';
import { parseNames, readNames } from './namespace-names.ts';

const editor = vi.hoisted(() => ({
  setting: undefined as unknown,
  picked: undefined as unknown,
  typed: undefined as string | undefined,
  offered: [] as { label: string; picked?: boolean }[],
  proposed: '',
  asked: [] as string[],
}));

vi.mock('vscode', () => ({
  EventEmitter: class {
    readonly listeners: (() => void)[] = [];
    readonly event = (listener: () => void) => this.listeners.push(listener);
    fire = () => this.listeners.forEach((listener) => listener());
    dispose = () => undefined;
  },
  l10n: { t: (text: string) => text },
  ProgressLocation: { Window: 10 },
  window: {
    withProgress: (_options: object, work: () => unknown) => work(),
    showQuickPick: (items: { label: string }[]) => {
      editor.asked.push('pick');
      editor.offered = items;
      const wanted = editor.picked as string[] | undefined;
      return Promise.resolve(wanted && items.filter(({ label }) => wanted.includes(label)));
    },
    showInputBox: ({ value }: { value: string }) => {
      editor.asked.push('type');
      editor.proposed = value;
      return Promise.resolve(editor.typed);
    },
  },
  workspace: { getConfiguration: () => ({ get: () => editor.setting }) },
}));
vi.mock('../index.ts', () => ({ allNamespaces: () => [] }));

const { chosenNamespaces } = await import('./chosen-namespaces.ts');
const { chooseNamespaces } = await import('../../commands/choose-namespaces.ts');

/** @param listed undefined: they may not be listed. */
function window(listed?: string[]) {
  const memory = new Map<string, unknown>();
  const list = () =>
    listed
      ? Promise.resolve({ items: listed.map((name) => ({ metadata: { name } })), resourceVersion: '1' })
      : Promise.reject(new Error('403'));
  const clusters = {
    chosen: { id: 'kubeconfig:prod', name: 'prod', kind: 'kubeconfig' },
    connect: () => Promise.resolve({ list }),
  };
  const workspaceState = {
    get: (key: string) => memory.get(key),
    update: (key: string, value: unknown) => Promise.resolve(memory.set(key, value)),
  };
  return { clusters, context: { workspaceState } } as unknown as App;
}
const choose = (app: App) => chooseNamespaces.run(app);

beforeEach(() => Object.assign(editor, { setting: undefined, picked: undefined, typed: undefined, asked: [] }));

describe('the namespaces that are followed', () => {
  it('are remembered for each context, and go before the setting, also when all are wanted', async () => {
    const app = window();
    editor.setting = { prod: ['shop', 'web'], other: ['x'] };
    const chosen = chosenNamespaces(app);
    let told = 0;
    chosen.onDidChange(() => (told += 1));
    expect(chosen.current).toEqual(['shop', 'web']);
    await chosen.set(['api']);
    expect(chosen.current).toEqual(['api']);
    Object.assign(app.clusters.chosen, { id: 'kubeconfig:other', name: 'other' });
    expect(chosen.current).toEqual(['x']);
    Object.assign(app.clusters.chosen, { id: 'kubeconfig:prod', name: 'prod' });
    await chosen.set([]);
    expect(chosen.current).toEqual([]);
    expect(told).toBe(2);
  });

  it('are names, whatever a setting or a workspace holds, and no way to another place of the API', () => {
    expect(readNames(['shop', 'shop', '../nodes', 'a/b', '', 7, null, 'Web', 'x'.repeat(64)])).toEqual(['shop']);
    expect([readNames('shop'), readNames(undefined), readNames({})]).toEqual([[], [], []]);
    expect(readNames(Array.from({ length: 100 }, (_, index) => `n${index}`))).toHaveLength(20);
    expect(parseNames(' shop, web;api\n a_b')).toEqual({ names: ['shop', 'web', 'api'], wrong: ['a_b'] });
  });
});

describe('choosing namespaces', () => {
  it('offers those that there are, with the chosen ones ticked, and changes nothing when it is left', async () => {
    const app = window(['web', 'shop', 'api']);
    await chosenNamespaces(app).set(['gone', 'web']);
    await choose(app);
    expect(editor.offered.map(({ label, picked }) => [label, picked])).toEqual([
      ['api', false],
      ['gone', true],
      ['shop', false],
      ['web', true],
      ['Other Namespaces…', undefined],
    ]);
    expect(chosenNamespaces(app).current).toEqual(['gone', 'web']);
    editor.picked = ['shop', 'api'];
    await choose(app);
    expect(chosenNamespaces(app).current).toEqual(['api', 'shop']);
    expect(editor.asked).toEqual(['pick', 'pick']);
  });

  it('takes names that are typed, at once where none can be listed, else when one asks for others', async () => {
    const poor = window();
    editor.typed = 'shop, web';
    await choose(poor);
    expect(editor.asked).toEqual(['type']);
    expect(chosenNamespaces(poor).current).toEqual(['shop', 'web']);
    const rich = window(['api']);
    Object.assign(editor, { picked: ['api', 'Other Namespaces…'], typed: 'api, hidden', asked: [] });
    await choose(rich);
    expect([editor.asked, editor.proposed]).toEqual([['pick', 'type'], 'api']);
    expect(chosenNamespaces(rich).current).toEqual(['api', 'hidden']);
  });
});
