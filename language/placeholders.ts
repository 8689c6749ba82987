import type { Located } from './located.ts';
import { findPodSource } from './resource.ts';
import type { Resource } from './resource.ts';

/**
 * What is filled in before it is applied, by envsubst, Flux (`$DOMAIN`, `${DOMAIN}`, `${DOMAIN:=example.com}`), an OpenShift template
 * (`${{PORT}}`) or Kustomize's vars (`$(NAME)`). Nobody knows yet what will stand there.
 */
const placeholder = /\$\{\{?[A-Za-z_][^}\s]{0,100}\}|\$\([A-Za-z_][\w.-]*\)|\$[A-Z][A-Z0-9_]+/;

/** Whether a text has a place that is still to be filled in. */
export function hasPlaceholder(text: string): boolean {
  return text.includes('$') && placeholder.test(text);
}

/** Whether a document is a source of ytt, which writes its code into comments: the values behind them are not there yet. */
export function isYtt(text: string): boolean {
  return text.includes('#@') && /^[ \t]*#@|[:-] +#@/m.test(text);
}

/**
 * Whether that by which others find a resource is still to be filled in: its name, its labels, what its spec says. Containers
 * do not count: `$(POD_NAME)` in an argument is filled in by the kubelet.
 */
export function isYetUnknown(resource: Resource): boolean {
  const pod = findPodSource(resource);
  const found = pod ? [resource.metadata, pod.metadata] : [resource.metadata, resource.spec];
  return found.some(holdsPlaceholder);
}

function holdsPlaceholder(value: Located): boolean {
  if (value.string !== undefined) return !value.string.includes('\n') && hasPlaceholder(value.string);
  return value.items.some(holdsPlaceholder) || value.entries.some((entry) => holdsPlaceholder(entry.value));
}
