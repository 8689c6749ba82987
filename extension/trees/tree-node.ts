/**
 * A tree as plain data: what a node shows and what is below it, without the editor, so that it can be tested and read.
 * `to-tree-item.ts` makes the editor's items of it.
 */
import { literalLines, literalText } from './literal-text.ts';

/** What a node is, for `when` clauses in package.json: `viewItem =~ /;pod;/`. */
export type NodeFlag =
  | 'namespace'
  | 'workload'
  | 'pod'
  | 'container'
  | 'node'
  | 'chain-file'
  | 'plugin'
  | 'agent'
  | 'policy'
  | 'control-plane'
  | 'problem'
  | 'differs'
  | 'no-helper'
  | 'message'
  | 'retry';

/** Beside the shape, a colour; the words carry the same. */
export type Tone = 'good' | 'error' | 'warning' | 'quiet' | 'plain';

/** A line of a tooltip. `text` comes from the cluster or from us and is shown literally. */
export interface TooltipLine {
  as: 'heading' | 'text' | 'item' | 'quote';
  text: string;
}

export interface NodeItem {
  label: string;
  description?: string;
  /** A codicon's name. */
  icon: string;
  tone: Tone;
  /** What a screen reader says instead of icon and colour. */
  spoken: string;
  expands: 'no' | 'collapsed' | 'expanded';
  /** Runs when the node is chosen. */
  command?: { id: string; title: string };
}

export interface TreeNode {
  /** The same for the same thing after every change: selection and expansion hang on it. */
  readonly id: string;
  readonly flags: readonly NodeFlag[];
  item(): NodeItem;
  /** Asks what the tooltip needs and nobody has asked yet; never for long. */
  prepareTooltip?(): Promise<void>;
  /** Computed when the pointer rests on it, not before. */
  tooltip(): TooltipLine[];
  children(): TreeNode[] | Promise<TreeNode[]>;
}

/** `;pod;problem;` */
export function contextValue(flags: readonly NodeFlag[]): string {
  return flags.length > 0 ? `;${flags.join(';')};` : '';
}

/** More than a tooltip can hold. */
const mostLines = 60;
const longestText = 2_000;

/** Markdown that shows every text literally: nothing from a cluster becomes a link, an image or a command. */
export function renderTooltip(lines: readonly TooltipLine[]): string {
  const shown = lines.slice(0, mostLines);
  if (lines.length > mostLines) shown.push({ as: 'text', text: '…' });
  return shown
    .map(({ as, text }) => {
      if (as === 'quote') return `\n${fence(literalLines(text))}\n`;
      const literal = escapeMarkdown(literalText(text, longestText));
      if (as === 'heading') return `\n**${literal}**\n`;
      return as === 'item' ? `- ${literal}` : `\n${literal}\n`;
    })
    .join('\n')
    .trim();
}

/** Backslashes before all that Markdown or the editor's `$(icon)` syntax would take for itself. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_{}[\]()#+\-.!|~<>&$:@]/g, '\\$&')
    .replace(/\\&/g, '&amp;')
    .replace(/\\</g, '&lt;');
}

function fence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const mark = '`'.repeat(longest + 1);
  return `${mark}text\n${text}\n${mark}`;
}
