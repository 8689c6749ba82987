/** Whether a header belongs to the request line rather than to the headers: `Host`, `:path`, `:authority`. */
export function isOfRequestLine(name: string): boolean {
  return name.startsWith(':') || name.toLowerCase() === 'host';
}

/** The two names of the host that a request asks for. */
export function isAuthority(name: string): boolean {
  return name.toLowerCase() === 'host' || name.toLowerCase() === ':authority';
}

/** A header stands on one line: of the control characters only the tab may be in its value. */
export function hasControlCharacter(value: string): boolean {
  return [...value].some((char) => (char < ' ' && char !== '\t') || char === '\u007f');
}

/**
 * Whether a `%` in a value belongs to nothing. Envoy reads `%REQ(user)%` as a variable and `%%` as a percent sign; the
 * arguments of a variable may hold percent signs of their own, as in `%START_TIME(%s)%`.
 */
export function hasLonePercent(value: string): boolean {
  return value.replace(/%(?:[A-Z0-9_]+\([^()]*\)(?::\d+)?|[^%]*)%/g, '').includes('%');
}
