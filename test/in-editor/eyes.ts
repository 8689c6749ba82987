/**
 * Eyes and hands on the editor's page. An extension can press commands but cannot see what a person sees; the process
 * that opened the window can, and does so on request.
 */

interface Place {
  selector: string;
  /** Only elements that contain this text. */
  text?: string;
  /** In a webview, not in the workbench. */
  inWebview?: boolean;
  timeoutMs?: number;
}

/** Waits until the element is there and returns what a person reads in it. */
export const read = (place: Place) => ask<string>('text', place);
/** The texts of all elements that match now. */
export const readAll = (place: Pick<Place, 'selector' | 'inWebview'>) => ask<string[]>('texts', place);
export const click = (place: Place & { button?: 'left' | 'right' }) => ask<undefined>('click', place);
export const fill = (place: Place & { value: string }) => ask<undefined>('fill', place);
export const hover = (place: Place) => ask<undefined>('hover', place);
export const press = (key: string) => ask<undefined>('press', { key });
export const type = (value: string) => ask<undefined>('type', { value });
/** Saved as `out/screenshots/<name>.png`. */
export const screenshot = (name: string) => ask<undefined>('screenshot', { name });

export const report = (summary: object) => ask<undefined>('done', summary);

async function ask<T>(action: string, request: object): Promise<T> {
  const eyes = process.env.MESHLOOM_EYES;
  if (!eyes) throw new Error('MESHLOOM_EYES is not set: start this suite with `npm run test:editor`.');
  const reply = await fetch(`${eyes}/${action}`, { method: 'POST', body: JSON.stringify(request) });
  const { value, error } = (await reply.json()) as { value: T; error?: string };
  if (error) throw new Error(error);
  return value;
}
