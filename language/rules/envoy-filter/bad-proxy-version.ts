import * as l10n from '@vscode/l10n';
import { finding } from '../../finding.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { whyNoRe2 } from '../values/regex.ts';

/** Which versions of the proxy a patch is for. */
export const badProxyVersion = defineRefusal('EnvoyFilter', {
  id: 'envoy-filter/bad-proxy-version',
  why: 'proxyVersion is a regular expression (RE2); Istio refuses what is none.',
  *check({ spec }) {
    for (const version of spec.at('configPatches').items.map((entry) => entry.at('match', 'proxy', 'proxyVersion'))) {
      const reason = version.string ? whyNoRe2(version.string) : undefined;
      if (reason)
        yield finding(
          version,
          l10n.t('"{0}" is no regular expression of RE2: {1}. Istio refuses it.', version.string!, reason),
        );
    }
  },
});
