import * as vscode from 'vscode';
import { literalText } from './literal-text.ts';
import { contextValue, renderTooltip } from './tree-node.ts';
import type { Tone, TooltipLine, TreeNode } from './tree-node.ts';

const colours: Partial<Record<Tone, string>> = {
  good: 'testing.iconPassed',
  error: 'list.errorForeground',
  warning: 'list.warningForeground',
  quiet: 'disabledForeground',
};

/** Who listens gets what to do next, too, which stands at the end. */
const longestSpoken = 2_000;

/** The editor's item for a node, without its tooltip: that one is made when it is wanted. */
export function toTreeItem(node: TreeNode): vscode.TreeItem {
  const { label, description, icon, tone, spoken, expands, command } = node.item();
  const item = new vscode.TreeItem(literalText(label), states[expands]);
  item.id = node.id;
  item.contextValue = contextValue(node.flags);
  const colour = colours[tone];
  item.iconPath = new vscode.ThemeIcon(icon, colour === undefined ? undefined : new vscode.ThemeColor(colour));
  item.accessibilityInformation = { label: literalText(spoken, longestSpoken) };
  if (description) item.description = literalText(description);
  if (command) item.command = { command: command.id, title: command.title, arguments: [node] };
  return item;
}

/** Everything in it is shown literally; no link of a cluster's making can run a command. */
export function toTooltip(node: TreeNode, notes: readonly TooltipLine[] = []): vscode.MarkdownString {
  const tooltip = new vscode.MarkdownString(renderTooltip([...node.tooltip(), ...notes]));
  tooltip.isTrusted = false;
  tooltip.supportHtml = false;
  return tooltip;
}

const states = {
  no: vscode.TreeItemCollapsibleState.None,
  collapsed: vscode.TreeItemCollapsibleState.Collapsed,
  expanded: vscode.TreeItemCollapsibleState.Expanded,
};
