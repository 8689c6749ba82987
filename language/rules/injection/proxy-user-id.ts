import * as l10n from '@vscode/l10n';
import type { Located } from '../../located.ts';
import { defineRule, finding, istioDocs } from '../../rule.ts';

/** The proxy's own traffic is told from the app's by its user id: `-m owner --uid-owner 1337 -j RETURN` in ISTIO_OUTPUT. */
const proxyUser = 1337;

export const proxyUserId = defineRule({
  id: 'injection/proxy-user-id',
  code: 'IST0144',
  severity: 'warning',
  docs: istioDocs('IST0144'),
  why: "User id 1337 is the proxy's: the packet rules let its traffic pass so that it is not redirected to itself. An app with this id bypasses the mesh. Init containers may use it for just that.",
  reads: ['AnyPod'],
  scope: 'resource',
  *check({ AnyPod }) {
    for (const { metadata, spec, name } of AnyPod) {
      const labels = metadata.at('labels');
      if (labels.at('istio').exists || labels.at('release').string === 'istio') continue;
      const users: Located[] = [spec.at('securityContext', 'runAsUser')];
      for (const container of spec.at('containers').items) {
        if (!['istio-proxy', 'istio-operator'].includes(container.at('name').string ?? ''))
          users.push(container.at('securityContext', 'runAsUser'));
      }
      for (const user of users) {
        if (user.number !== proxyUser) continue;
        yield finding(
          user,
          l10n.t(
            "{0} runs as user 1337, which is the proxy's: the packet rules let all its traffic pass by the proxy, so it is outside the mesh. Choose another user id.",
            name,
          ),
        );
      }
    }
  },
});
