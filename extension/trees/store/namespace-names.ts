import { mostNamespaces } from '../../cluster/readable-namespaces.ts';

/** As Kubernetes demands it (RFC 1123): anything else would be a path of its own in a request. */
const namespaceName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** @returns the names in it that may be names of namespaces, each once; what a workspace or a setting holds may be anything. */
export function readNames(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  const names = value.filter((name): name is string => typeof name === 'string' && namespaceName.test(name));
  return [...new Set(names)].slice(0, mostNamespaces);
}

/** A list as a person types it: `shop, web`. @returns the names, and what is none. */
export function parseNames(text: string): { names: string[]; wrong: string[] } {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  return {
    names: [...new Set(words.filter((word) => namespaceName.test(word)))],
    wrong: words.filter((word) => !namespaceName.test(word)),
  };
}
