import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { ruleParts } from './sources.ts';

/** A path with `{*}` or `{**}` is a template of Envoy's, which has few forms. */
export const badPathTemplate = defineRefusal('AuthorizationPolicy', {
  id: 'authorization-policy/bad-path-template',
  why: 'A path template takes {*} for one segment and {**} for the rest, at its end; Istio refuses other braces and a plain "*" beside a template.',
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
  // Without one of the two operators a path is no template, and braces in it are plain characters.
  if (!path.includes('{*}') && !path.includes('{**}')) return undefined;
  const plain = path.replaceAll(/\{\*\*?\}/g, '');
  if (/[{}]/.test(plain)) return l10n.t('no braces but {*} and {**} are allowed');
  if (plain.includes('*')) return l10n.t('a plain "*" does not go with a template');
  const rest = path.indexOf('{**}');
  if (rest !== -1 && /\{\*\*?\}/.test(path.slice(rest + 4))) return l10n.t('{**} must be the last operator');
  return undefined;
}
