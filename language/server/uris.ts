import { fileURLToPath } from 'node:url';

/**
 * One spelling per file. Editors write the same file as `file:///c%3A/a.yaml` or `file:///C:/a.yaml`; the workspace would
 * take these for two, and each would contradict the other.
 */
export function canonicalUri(uri: string): string {
  try {
    return uri.startsWith('file:') ? uriOf(fileURLToPath(uri)) : uri;
  } catch {
    return uri;
  }
}

/** The canonical address of a path: everything encoded but letters, digits, `-._~` and the slashes; a drive letter is small. */
export function uriOf(path: string): string {
  const slashed = path
    .replaceAll('\\', process.platform === 'win32' ? '/' : '\\')
    .replace(/^([A-Za-z]):/, (drive) => `/${drive.toLowerCase()}`);
  const encoded = slashed
    .split('/')
    .map((part) =>
      encodeURIComponent(part).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
    );
  return `file://${slashed.startsWith('//') ? encoded.join('/').slice(2) : encoded.join('/')}`;
}

/** The path of a `file:` address; undefined for any other. */
export function findPath(uri: string): string | undefined {
  try {
    return uri.startsWith('file:') ? fileURLToPath(uri) : undefined;
  } catch {
    return undefined;
  }
}
