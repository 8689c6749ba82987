import type { Viewport } from '../ui-state.ts';
import type { Box, GraphLayout, Point } from './layout-graph.ts';

export interface Size {
  width: number;
  height: number;
}

const scales = { least: 0.2, most: 3 };
/** Smaller than that nobody reads: a graph that does not fit then starts at its hooks instead. */
const readable = 0.72;

/** The whole graph in the middle, never enlarged; when that would be too small to read, its part around one box. */
export function fitGraph({ width, height }: GraphLayout, canvas: Size, around?: Box): Viewport {
  const whole = Math.min(1, canvas.width / width, canvas.height / height);
  const scale = Math.max(whole, readable);
  const place = (size: number, room: number, middle: number) => {
    const spare = room - size * scale;
    return spare >= 0 ? spare / 2 : Math.min(0, Math.max(spare, room / 2 - middle * scale));
  };
  return {
    x: place(width, canvas.width, around?.x ?? 0),
    y: place(height, canvas.height, around?.y ?? 0),
    scale,
  };
}

/** The whole graph, however small it gets. */
export function showWhole({ width, height }: GraphLayout, canvas: Size): Viewport {
  const scale = clampScale(Math.min(1, canvas.width / width, canvas.height / height));
  return { x: (canvas.width - width * scale) / 2, y: (canvas.height - height * scale) / 2, scale };
}

/** Larger or smaller, with one point of the canvas staying where it is. */
export function zoomAt({ x, y, scale }: Viewport, factor: number, { x: atX, y: atY }: Point): Viewport {
  const next = clampScale(scale * factor);
  const change = next / scale;
  return { x: atX - (atX - x) * change, y: atY - (atY - y) * change, scale: next };
}

/** Moves as little as is needed for a box to be in sight. */
export function reveal(viewport: Viewport, box: Box, canvas: Size): Viewport {
  const { scale } = viewport;
  const margin = 20;
  const move = (offset: number, middle: number, size: number, room: number) => {
    const start = offset + (middle - size / 2) * scale;
    const end = offset + (middle + size / 2) * scale;
    if (start < margin) return offset + margin - start;
    return end > room - margin ? offset - Math.min(end - room + margin, start - margin) : offset;
  };
  return {
    x: move(viewport.x, box.x, box.width, canvas.width),
    y: move(viewport.y, box.y, box.height, canvas.height),
    scale,
  };
}

/** The nearest box in the direction of an arrow key. */
export function nextNode(nodes: ReadonlyMap<string, Box>, from: string, key: string): string | undefined {
  const here = nodes.get(from);
  if (!here) return nodes.keys().next().value;
  const along = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
  if (!along) return undefined;
  const [alongX = 0, alongY = 0] = along;
  let best: { id: string; cost: number } | undefined;
  for (const [id, { x, y }] of nodes) {
    const ahead = (x - here.x) * alongX + (y - here.y) * alongY;
    const aside = Math.abs((x - here.x) * alongY) + Math.abs((y - here.y) * alongX);
    if (id === from || ahead <= 4) continue;
    const cost = ahead + aside * 2;
    if (!best || cost < best.cost) best = { id, cost };
  }
  return best?.id;
}

function clampScale(scale: number): number {
  return Math.min(scales.most, Math.max(scales.least, scale));
}
