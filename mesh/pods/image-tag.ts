/** `docker.io/istio/proxyv2:1.32.0-distroless@sha256:…` → `1.32.0-distroless`; undefined when it is named by digest alone. */
export function imageTag(image: string): string | undefined {
  const [name = ''] = image.split('@');
  return /:([^/:]+)$/.exec(name)?.[1];
}

/** A tag without its variant: `1.32.0` of `1.32.0-distroless`. */
export function plainVersion(tag: string | undefined): string | undefined {
  return tag?.replace(/-(?:distroless|debug)$/, '');
}
