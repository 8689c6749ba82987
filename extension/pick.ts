/**
 * The one way to the editor's pickers. They draw `$(icon)` wherever it stands in a text, and much of what is offered was
 * named by a cluster: it is shown as it is.
 */
import * as vscode from 'vscode';
import { literalText, plainLabel } from './trees/literal-text.ts';

/** `icon`: the name of a codicon, before the label. All texts may hold anything. */
export interface Choice extends vscode.QuickPickItem {
  icon?: string;
}

type Choices<T> = readonly T[] | Thenable<readonly T[]>;

/** @returns those of `items` that the person chose; undefined: Escape. */
export function pick<T extends Choice>(
  items: Choices<T>,
  options: vscode.QuickPickOptions & { canPickMany: true },
): Promise<T[] | undefined>;
/** @returns the one of `items` that the person chose; undefined: Escape. */
export function pick<T extends Choice>(items: Choices<T>, options?: vscode.QuickPickOptions): Promise<T | undefined>;
export async function pick<T extends Choice>(
  items: Choices<T>,
  options: vscode.QuickPickOptions = {},
): Promise<T | T[] | undefined> {
  const meant = new Map<vscode.QuickPickItem, T>();
  const draw = (all: readonly T[]) =>
    all.map((item) => {
      const drawn = drawChoice(item);
      meant.set(drawn, item);
      return drawn;
    });
  const drawn = 'then' in items ? items.then(draw) : draw(items);
  const picked: unknown = await vscode.window.showQuickPick(drawn, drawOptions(options));
  const read = (one: unknown) => meant.get(one as vscode.QuickPickItem) as T;
  return Array.isArray(picked) ? picked.map(read) : picked === undefined ? undefined : read(picked);
}

/** Of texts, such as names. @returns the one that the person chose, as it was given; undefined: Escape. */
export async function pickName(
  names: readonly string[],
  options?: vscode.QuickPickOptions,
): Promise<string | undefined> {
  const picked = await pick(
    names.map((name) => ({ label: name, name })),
    options,
  );
  return picked?.name;
}

/** An item as the editor gets it, for pickers that do more than {@link pick}. */
export function drawChoice<T extends Choice>({ icon, ...item }: T): Omit<T, 'icon'> & vscode.QuickPickItem {
  const { label, description, detail } = item;
  return {
    ...item,
    label: icon === undefined ? plainLabel(label) : `$(${icon}) ${plainLabel(label)}`,
    ...(description !== undefined && { description: plainLabel(description) }),
    ...(detail !== undefined && { detail: plainLabel(detail) }),
  };
}

function drawOptions({ title, placeHolder, ...rest }: vscode.QuickPickOptions): vscode.QuickPickOptions {
  return {
    ...rest,
    ...(title !== undefined && { title: literalText(title) }),
    ...(placeHolder !== undefined && { placeHolder: literalText(placeHolder) }),
  };
}
