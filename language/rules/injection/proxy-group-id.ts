import * as l10n from '@vscode/l10n';
import { defineRule, finding } from '../../rule.ts';

/** As with the user id: `-m owner --gid-owner 1337 -j RETURN` in ISTIO_OUTPUT. Istio’s own analysis looks at the user alone. */
const proxyGroup = 1337;

export const proxyGroupId = defineRule({
  id: 'injection/proxy-group-id',
  code: 'ML0114',
  severity: 'warning',
  docs: 'https://istio.io/latest/docs/ops/deployment/application-requirements/',
  why: "Group id 1337 is the proxy's, as user id 1337 is: the packet rules let what processes of this group send pass by the proxy. An app that runs with it bypasses the mesh.",
  reads: ['AnyPod'],
  scope: 'resource',
  *check({ AnyPod }) {
    for (const { metadata, spec, name } of AnyPod) {
      const labels = metadata.at('labels');
      if (labels.at('istio').exists || labels.at('release').string === 'istio') continue;
      const containers = spec
        .at('containers')
        .items.filter((container) => !['istio-proxy', 'istio-operator'].includes(container.at('name').string ?? ''));
      for (const holder of [spec, ...containers]) {
        const group = holder.at('securityContext', 'runAsGroup');
        // Where the user is the proxy's as well, that is told already.
        if (group.number !== proxyGroup || holder.at('securityContext', 'runAsUser').number === proxyGroup) continue;
        yield finding(
          group,
          l10n.t(
            "{0} runs with group 1337, which is the proxy's: the packet rules let all its traffic pass by the proxy, so it is outside the mesh. Choose another group id.",
            name,
          ),
        );
      }
    }
  },
});
