import * as l10n from '@vscode/l10n';
import { lookUp } from '../../lookup.ts';
import type { Resource } from '../../resource.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';

const setting = 'BLOCKED_CIDRS_IN_JWKS_URIS';
const everything = () => [''];
const isThere = (found: readonly Resource[]) => found.length > 0;

/** Who may write a RequestAuthentication lets istiod fetch from any address that istiod reaches: its network's inside, too. */
export const jwksUnrestricted = defineRule({
  id: 'deployment/jwks-unrestricted',
  code: 'IST0175',
  severity: 'warning',
  docs: istioDocs('IST0175'),
  why: 'istiod fetches the jwksUri of RequestAuthentications itself. Unless its BLOCKED_CIDRS_IN_JWKS_URIS says otherwise, from any address: who may write such a resource can make it call services inside of the network.',
  reads: ['Deployment', 'RequestAuthentication'],
  subject: ['Deployment'],
  *check({ Deployment, RequestAuthentication }, context) {
    for (const { metadata, spec } of Deployment) {
      if (metadata.at('labels', 'app').string !== 'istiod') continue;
      const variables = spec
        .at('template', 'spec', 'containers')
        .items.flatMap((container) => container.at('env').items);
      const isSet = variables.some(
        (variable) =>
          variable.at('name').string === setting &&
          (variable.at('value').string !== '' || variable.at('valueFrom').isSet),
      );
      if (isSet || !lookUp(RequestAuthentication, everything, context).tell('', isThere)) continue;
      yield finding(
        metadata.at('name'),
        l10n.t(
          'istiod fetches the jwksUri of RequestAuthentications from any address it reaches. Set {0} to the CIDRs it shall not call, e.g. those of the metadata service.',
          setting,
        ),
      );
    }
  },
});
