/** Where a console is, as the user's settings say: `meshloom.links.kiali` and its brothers. No editor here. */
import { matchesPattern } from '../actions/protected-contexts.ts';
import type { PageSubject } from './console-pages.ts';

/**
 * @param setting one address for all clusters, or one for each pattern of context names; anything else is no address.
 * @returns the address for a context; undefined: the setting has none.
 */
export function linkFor(setting: unknown, context: string): string | undefined {
  if (typeof setting === 'string') return setting.trim() || undefined;
  if (typeof setting !== 'object' || setting === null || Array.isArray(setting)) return undefined;
  // The longest pattern is the most particular one.
  const matching = Object.entries(setting)
    .filter(([pattern, link]) => typeof link === 'string' && matchesPattern(pattern, context))
    .sort(([a], [b]) => b.length - a.length);
  return (matching[0]?.[1] as string | undefined)?.trim() || undefined;
}

const fields = ['context', 'kind', 'namespace', 'name', 'workload', 'app'] as const;

/**
 * `https://kiali.example/{context}` is where the console is, and `page` comes behind it; with any other field the address
 * is that of the page itself: `https://grafana.example/d/x?var-workload={workload}`.
 * @returns undefined when it is no http(s) address.
 */
export function fillLink(link: string, context: string, subject: PageSubject, page: string): string | undefined {
  const known: Record<string, string | undefined> = { ...subject, context };
  const filled = link.replaceAll(/\{(\w+)\}/g, (whole, field: string) =>
    (fields as readonly string[]).includes(field) ? encodeURIComponent(known[field] ?? '') : whole,
  );
  if (!isWebAddress(filled)) return undefined;
  const isPage = fields.some((field) => field !== 'context' && link.includes(`{${field}}`));
  return isPage ? filled : joinPath(filled, page);
}

/** @returns an address of the web, and no other program's. */
export function isWebAddress(text: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** `https://kiali.example/kiali/` and `/console` → `https://kiali.example/kiali/console` */
export function joinPath(base: string, page: string): string {
  return base.replace(/\/+$/, '') + page;
}
