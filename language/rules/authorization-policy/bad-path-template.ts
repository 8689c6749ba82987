import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { ruleParts } from './sources.ts';

/** What Envoy's templates take as plain text between two slashes: the characters of RFC 3986, appendix A, but for `*`. */
const literal = /^[\w\-.~%!$&'()+,;:@=]+$/;

/** A path with `{*}` or `{**}` is a template of Envoy's, which has few forms; braces mean nothing else in a path. */
export const badPathTemplate = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/bad-path-template',
  why: 'Braces make a path a template: {*} is one whole segment and {**} any number of them, as the last operator; Istio refuses other braces, and a "*" or an empty segment beside a template.',
  *check({ spec }) {
    for (const operation of ruleParts(spec).flatMap(({ operations }) => operations)) {
      for (const path of [...operation.at('paths').items, ...operation.at('notPaths').items]) {
        const reason = path.string === undefined ? undefined : whyNoTemplate(path.string);
        if (reason)
          yield finding(path, l10n.t('"{0}" is no path template: {1}. Istio refuses it.', path.string!, reason));
      }
    }
  },
});

function whyNoTemplate(path: string): string | undefined {
  const isTemplate = path.includes('{*}') || path.includes('{**}');
  let rest = false;
  for (const segment of path.replace(/^\/+|\/+$/g, '').split('/')) {
    if (segment === '{*}' || segment === '{**}') {
      if (rest) return l10n.t('{**} must be the last operator');
      rest = segment === '{**}';
    } else if (/[{}]/.test(segment)) {
      return l10n.t('braces are allowed only as {*} or {**}, alone between two slashes');
    } else if (isTemplate && segment === '') {
      return l10n.t('there is nothing between two slashes');
    } else if (isTemplate && !literal.test(segment)) {
      return segment.includes('*')
        ? l10n.t('a plain "*" does not go with a template')
        : l10n.t('"{0}" has characters that do not go with a template', segment);
    }
  }
  return undefined;
}
