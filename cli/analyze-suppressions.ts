import * as l10n from '@vscode/l10n';
import type { Report } from '../language/index.ts';
import { UsageError } from './verb.ts';

/**
 * Reads `--suppress` values, as `istioctl analyze -S` spells them: `IST0102=Namespace shop`, `IST0101=VirtualService *.shop`.
 * `*` stands for any text, in the code too.
 */
export function parseSuppressions(texts: readonly string[]): (report: Report) => boolean {
  const tests = texts.map((text) => {
    const [code, resource, ...more] = text.split('=');
    if (!code || !resource?.trim() || more.length > 0) {
      throw new UsageError(
        l10n.t(
          '--suppress takes CODE=KIND NAME.NAMESPACE, for example "IST0101=VirtualService reviews.shop", not "{0}".',
          text,
        ),
      );
    }
    return { code: wildcard(code.trim()), resource: wildcard(resource.trim()) };
  });
  return (report) =>
    tests.some(({ code, resource }) => code.test(report.code) && namesOf(report).some((name) => resource.test(name)));
}

function namesOf({ resource }: Report): string[] {
  if (!resource) return [''];
  const { kind, name, namespace } = resource;
  return namespace === '' ? [`${kind} ${name}`] : [`${kind} ${name}.${namespace}`];
}

function wildcard(text: string): RegExp {
  return new RegExp(
    `^${text
      .split('*')
      .map((part) => part.replace(/[\\^$.|+()[\]{}?]/g, '\\$&'))
      .join('.*')}$`,
    's',
  );
}
