/** The pages of docs/rules.md, one for each rule. Pure text: see `printRulesDoc` for how it is written. */

export interface RulePage {
  /** `virtual-service/bad-redirect` */
  id: string;
  code: string;
  level: string;
}

/** All rules, in the order of the page's table. */
export function listRulePages(text: string): RulePage[] {
  return [...text.matchAll(/^\| \[([^\]]+)\]\([^)]*\) \| (\w+) \| (\w+) \|$/gm)].map(
    ([, id = '', code = '', level = '']) => ({
      id,
      code,
      level,
    }),
  );
}

/** The page of one rule, from its heading to the next; undefined when there is none. */
export function findRulePage(text: string, id: string): string | undefined {
  const start = `\n${text}`.indexOf(`\n## ${id}\n`);
  if (start === -1) return undefined;
  const end = text.indexOf('\n## ', start + 1);
  return `${text
    .slice(start, end === -1 ? undefined : end)
    .trim()
    .replace(/^## /, '# ')}\n`;
}

/** The page whose heading begins with a code, `## ML2001 …`, up to the next; undefined when there is none. */
export function findCodePage(text: string, code: string): string | undefined {
  const [page] = text
    .split(/^(?=## )/m)
    .filter((part) => part.startsWith(`## ${code}`) && !/\w/.test(part.charAt(code.length + 3)));
  return page && `${page.trim().replace(/^## /, '# ')}\n`;
}
