import { beforeEach, describe, expect, it, vi } from 'vitest';

const editor = vi.hoisted(() => ({
  offered: [] as object[],
  options: {} as object,
  choose: (items: object[]): unknown => items[0],
}));
vi.mock('vscode', () => ({
  window: {
    showQuickPick: async (items: object[] | Promise<object[]>, options: object) => {
      editor.offered = await items;
      editor.options = options;
      return editor.choose(editor.offered);
    },
  },
}));
const { pick, pickName } = await import('./pick.ts');

const evil = '$(check) adm\u202enimda\u001b[2J\u200b\nshop';
const shown = '$ (check) adm\ufffdnimda\ufffd[2J\ufffd shop';

describe('a picker of what a cluster named', () => {
  beforeEach(() => {
    editor.choose = (items) => items[0];
  });

  it('draws nothing but texts, and our own icon', async () => {
    const item = { icon: 'plug', label: evil, description: evil, detail: evil };
    await pick([item, { label: evil }], { title: evil, placeHolder: evil });
    expect(editor.offered).toEqual([
      { label: `$(plug) ${shown}`, description: shown, detail: shown },
      { label: shown },
    ]);
    const said = shown.replace('$ (', '$(');
    expect(editor.options).toEqual({ title: said, placeHolder: said });
  });

  it('hands back what was meant: the item itself, also of a list that comes later, and several', async () => {
    const items = [{ label: evil }, { label: 'b' }, { label: evil }];
    expect(await pick(Promise.resolve(items))).toBe(items[0]);
    editor.choose = (all) => all.slice(1);
    expect(await pick(items, { canPickMany: true })).toEqual(items.slice(1));
    editor.choose = () => undefined;
    expect(await pick(items)).toBeUndefined();
  });

  it('hands back the very name, also of two that look alike', async () => {
    editor.choose = (all) => all[1];
    expect(await pickName(['a\u200b', 'a\u200d'])).toBe('a\u200d');
  });
});
