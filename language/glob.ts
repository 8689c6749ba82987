/**
 * A glob as editors write them: `**` any folders, `*` and `?` within one name, `{a,b}` alternatives, `[…]` a set.
 * @returns a test for paths with `/` between names, relative to where the glob begins.
 */
export function compileGlob(glob: string): (path: string) => boolean {
  const regex = new RegExp(`^${translate(glob.replace(/^\.?\//, ''))}$`, 's');
  return (path) => regex.test(path);
}

/** Whether text is a glob rather than a plain path. */
export function isGlob(text: string): boolean {
  return /[*?[{]/.test(text);
}

function translate(glob: string): string {
  let out = '';
  let depth = 0;
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at]!;
    const set = char === '[' ? /^\[[!^]?\]?[^\]/]*\]/.exec(glob.slice(at))?.[0] : undefined;
    if (glob.startsWith('**/', at) && (at === 0 || glob[at - 1] === '/')) {
      out += '(?:[^/]+/)*';
      at += 2;
    } else if (glob.startsWith('/**', at) && at + 3 === glob.length) {
      // `dir/**` also takes the folder itself, so that it need not be opened.
      out += '(?:/.*)?';
      at += 2;
    } else if (char === '*') {
      const double = glob[at + 1] === '*';
      out += double ? '.*' : '[^/]*';
      if (double) at++;
    } else if (set) {
      out += `[${set.slice(1, -1).replace(/^[!^]/, '^').replaceAll('\\', '\\\\').replaceAll('[', '\\[')}]`;
      at += set.length - 1;
    } else if (char === '{' && glob.includes('}', at)) {
      out += '(?:';
      depth++;
    } else if (char === '}' && depth > 0) {
      out += ')';
      depth--;
    } else if (char === ',' && depth > 0) out += '|';
    else out += char === '?' ? '[^/]' : char.replace(/[\\^$.|+()[\]{}*?]/, '\\$&');
  }
  return out + ')'.repeat(depth);
}
