import { graphlib, layout } from '@dagrejs/dagre';
import type { ChainGraph } from './build-graph.ts';

export interface Point {
  x: number;
  y: number;
}

/** The middle of a box, and its size. */
export interface Box extends Point {
  width: number;
  height: number;
}

/** `LR`: hooks on the left; `TB`: hooks on top, for narrow columns. */
export type Rankdir = 'LR' | 'TB';

export interface GraphLayout {
  rankdir: Rankdir;
  width: number;
  height: number;
  nodes: ReadonlyMap<string, Box>;
  edges: ReadonlyMap<string, { points: Point[]; label: Box }>;
}

/** Widths of the letters that the stylesheet chooses: names in the editor's font, labels in the page's. */
const letter = { title: 7.4, subtitle: 6.2, label: 6 };
export const lineHeight = 14;

/** Counters change while one watches, the picture must not: a graph of the same shape keeps its layout. */
const kept = new Map<string, GraphLayout>();

export function layoutGraph(graph: ChainGraph, rankdir: Rankdir): GraphLayout {
  const shape = JSON.stringify([
    rankdir,
    graph.nodes.map(({ id, title, subtitle }) => [id, title, subtitle]),
    graph.edges.map(({ id, label }) => [id, label]),
  ]);
  let found = kept.get(shape);
  if (!found) {
    found = lay(graph, rankdir);
    if (kept.size > 8) kept.clear();
    kept.set(shape, found);
  }
  return found;
}

function lay({ nodes, edges }: ChainGraph, rankdir: Rankdir): GraphLayout {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir, nodesep: 22, edgesep: 14, ranksep: rankdir === 'LR' ? 36 : 30, marginx: 16, marginy: 16 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, title, subtitle } of nodes) {
    const width = Math.max(title.length * letter.title, subtitle.length * letter.subtitle) + 26;
    graph.setNode(id, { width: Math.max(76, Math.round(width)), height: subtitle ? 44 : 32 });
  }
  for (const { id, from, to, label } of edges) {
    // A line is kept free for the counter: `+999.9K packets`.
    const width = Math.max(...label.map((line) => line.length), 14) * letter.label + 10;
    graph.setEdge(from, to, { width: Math.round(width), height: (label.length + 1) * lineHeight, labelpos: 'c' }, id);
  }
  layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  return {
    rankdir,
    width: size.width ?? 0,
    height: size.height ?? 0,
    nodes: new Map(nodes.map(({ id }) => [id, graph.node(id) as Box])),
    edges: new Map(
      edges.map(({ id, from, to }) => {
        const edge = graph.edge(from, to, id) as Box & { points: Point[] };
        return [id, { points: edge.points, label: { x: edge.x, y: edge.y, width: edge.width, height: edge.height } }];
      }),
    ),
  };
}

/** A smooth line through every point, and so through its label; it leaves and arrives in the direction of the ranks. */
export function drawLine(points: readonly Point[], rankdir: Rankdir): string {
  const [first, ...rest] = points;
  if (!first) return '';
  const at = (x: number, y: number) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  let before = first;
  const bends = rest.map((point) => {
    const [x, y] = [(before.x + point.x) / 2, (before.y + point.y) / 2];
    const leave = rankdir === 'LR' ? at(x, before.y) : at(before.x, y);
    const arrive = rankdir === 'LR' ? at(x, point.y) : at(point.x, y);
    before = point;
    return `C ${leave} ${arrive} ${at(point.x, point.y)}`;
  });
  return [`M ${at(first.x, first.y)}`, ...bends].join(' ');
}
