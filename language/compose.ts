import { Composer, Parser } from 'yaml';
import type { Document } from 'yaml';

/** A YAML scalar's type is decided by us (see scalar.ts), and so are duplicate keys: the parser need not look. */
const parserOptions = {
  schema: 'failsafe',
  uniqueKeys: false,
  prettyErrors: false,
  keepSourceTokens: false,
  strict: true,
} as const;

/** JSON may be indented with tabs, YAML may not; a blank for a tab leaves every offset where it was. */
export function readableText(text: string): string {
  return /^\s*[{[]/.test(text) ? text.replaceAll('\t', ' ') : text;
}

/** Whatever YAML there is, read by the parser that knows all of it. Throws a RangeError on what is nested too deeply. */
export function composeDocuments(text: string): Document.Parsed[] {
  const composer = new Composer<Document.Parsed['contents'] & object>(parserOptions);
  return [...composer.compose(new Parser().parse(text), false, text.length)] as Document.Parsed[];
}
