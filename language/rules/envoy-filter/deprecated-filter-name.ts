import * as l10n from '@vscode/l10n';
import { rename } from '../../edits.ts';
import { finding } from '../../finding.ts';
import { defineWarning } from '../define-webhook-rule.ts';
import { filterMatch, isOfListener } from './patches.ts';

/** Names that Envoy's filters had before 1.14, and theirs since: `envoy.<key>` became `envoy.filters.<value>`. */
const newNames: Record<string, string> = {
  buffer: 'http.buffer',
  cors: 'http.cors',
  csrf: 'http.csrf',
  http_dynamo_filter: 'http.dynamo',
  ext_authz: 'http.ext_authz',
  fault: 'http.fault',
  grpc_http1_bridge: 'http.grpc_http1_bridge',
  grpc_json_transcoder: 'http.grpc_json_transcoder',
  grpc_web: 'http.grpc_web',
  gzip: 'http.gzip',
  health_check: 'http.health_check',
  ip_tagging: 'http.ip_tagging',
  lua: 'http.lua',
  rate_limit: 'http.ratelimit',
  router: 'http.router',
  squash: 'http.squash',
  'listener.http_inspector': 'listener.http_inspector',
  'listener.original_dst': 'listener.original_dst',
  'listener.original_src': 'listener.original_src',
  'listener.proxy_protocol': 'listener.proxy_protocol',
  'listener.tls_inspector': 'listener.tls_inspector',
  client_ssl_auth: 'network.client_ssl_auth',
  http_connection_manager: 'network.http_connection_manager',
  mongo_proxy: 'network.mongo_proxy',
  ratelimit: 'network.ratelimit',
  redis_proxy: 'network.redis_proxy',
  tcp_proxy: 'network.tcp_proxy',
};

/** Filters that Envoy's own build no longer has, whatever they are called: a real one lists what it has compiled in. */
const gone = ['http.dynamo', 'http.gzip', 'http.squash', 'network.client_ssl_auth'];

/** Every filter that a finding names, and whether Envoy's own build has it. */
export const namedFilters = Object.values(newNames).map((name) => ({
  name: `envoy.filters.${name}`,
  isGone: gone.includes(name),
}));

/** Istio still knows the old names, and says so. */
export const deprecatedFilterName = defineWarning('EnvoyFilter', {
  id: 'envoy-filter/deprecated-filter-name',
  why: 'Envoy’s filters got new names long ago (envoy.router is envoy.filters.http.router); Istio still matches the old ones and warns.',
  *check({ spec }) {
    for (const entry of spec.at('configPatches').items) {
      if (!isOfListener(entry.at('applyTo').string ?? '')) continue;
      const filter = filterMatch(entry);
      for (const [name, isInner] of [
        [filter.at('name'), false],
        [filter.at('subFilter', 'name'), true],
      ] as const) {
        const meant = name.string === undefined ? undefined : findNewName(name.string, isInner);
        if (!meant) continue;
        if (gone.some((one) => meant === `envoy.filters.${one}`)) {
          yield finding(
            name,
            l10n.t(
              '"{0}" is the old name of "{1}", which Envoy no longer has: Istio warns, and nothing matches. Remove the patch.',
              name.string!,
              meant,
            ),
          );
          continue;
        }
        yield finding(
          name,
          l10n.t('"{0}" is the old name of "{1}": Istio warns. Use the new one.', name.string!, meant),
          {
            fixes: [{ title: l10n.t('Change to {0}', meant), preferred: true, edits: () => rename(name, meant) }],
          },
        );
      }
    }
  },
});

function findNewName(name: string, isInner: boolean): string | undefined {
  // One old name for two filters: among network filters it is the other one.
  if (name === 'envoy.ext_authz' && !isInner) return 'envoy.filters.network.ext_authz';
  const short = name.startsWith('envoy.') ? name.slice('envoy.'.length) : '';
  return Object.hasOwn(newNames, short) ? `envoy.filters.${newNames[short]!}` : undefined;
}
