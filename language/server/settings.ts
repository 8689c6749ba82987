import type { LanguageServerSettings } from '../../contract/language-server.ts';

/** Settings as they came over the wire: another client may send none, or wrap them as it likes. */
export function readSettings(value: unknown): LanguageServerSettings {
  if (typeof value !== 'object' || value === null) return {};
  const { strictness, exclude, codeLens } = value as Record<string, unknown>;
  return {
    ...(strictness === 'strict' || strictness === 'lenient' ? { strictness } : {}),
    ...(Array.isArray(exclude) ? { exclude: exclude.filter((glob) => typeof glob === 'string') } : {}),
    ...(typeof codeLens === 'boolean' ? { codeLens } : {}),
  };
}
