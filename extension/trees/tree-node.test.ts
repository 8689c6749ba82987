import { describe, expect, it } from 'vitest';
import { contextValue, escapeMarkdown, renderTooltip } from './tree-node.ts';

describe('a tooltip', () => {
  it('shows what comes from a cluster literally: no link, image, icon, command or HTML of its making', () => {
    const text =
      '[click](command:evil) ![i](http://x/y.png) <b>&amp; $(zap) `c` **x** # h https://example.com www.example.com';
    const literal = escapeMarkdown(text);
    expect(literal).not.toMatch(/(?<!\\)[[\]`*#$]|<b>|https:|www\.e/);
    // Taking the escapes back gives what was there.
    expect(literal.replaceAll('&lt;', '<').replaceAll('&amp;', '&').replace(/\\(.)/g, '$1')).toBe(text);
  });

  it('keeps a quotation in its fence, whatever backticks are in it', () => {
    const rendered = renderTooltip([{ as: 'quote', text: 'before ```\n[x](command:y)\n````' }]);
    expect(rendered.startsWith('`````text\n')).toBe(true);
    expect(rendered.endsWith('\n`````')).toBe(true);
  });

  it('keeps a line a line, so that no text begins a list or a heading', () => {
    expect(renderTooltip([{ as: 'text', text: 'one\n# two' }])).toBe('one \\# two');
  });
});

describe('a context value', () => {
  it('has a semicolon on both sides of every flag, for /;pod;/', () => {
    expect(contextValue(['pod', 'problem'])).toBe(';pod;problem;');
    expect(contextValue([])).toBe('');
  });
});
