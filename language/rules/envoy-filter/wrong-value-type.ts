import * as l10n from '@vscode/l10n';
import { replaceValue } from '../../edits.ts';
import { finding } from '../../finding.ts';
import type { Finding } from '../../finding.ts';
import type { Located, LocatedType } from '../../located.ts';
import { defineRefusal } from '../define-webhook-rule.ts';
import { parseDuration } from '../values/durations.ts';

interface EnvoyFields {
  text?: string[];
  lists?: string[];
  durations?: string[];
}

/** The fields of Envoy's objects that people patch most, as protobuf names them. All have a `name`, but for the bootstrap. */
const fields: Record<string, EnvoyFields> = {
  CLUSTER: { text: ['name', 'alt_stat_name'], durations: ['connect_timeout', 'dns_refresh_rate', 'cleanup_interval'] },
  LISTENER: {
    text: ['name', 'stat_prefix'],
    lists: ['filter_chains', 'listener_filters', 'access_log'],
    durations: ['listener_filters_timeout'],
  },
  FILTER_CHAIN: { text: ['name'], lists: ['filters'], durations: ['transport_socket_connect_timeout'] },
  NETWORK_FILTER: { text: ['name'] },
  HTTP_FILTER: { text: ['name'] },
  LISTENER_FILTER: { text: ['name'] },
  EXTENSION_CONFIG: { text: ['name'] },
  ROUTE_CONFIGURATION: {
    text: ['name'],
    lists: ['virtual_hosts', 'request_headers_to_add', 'response_headers_to_add', 'request_headers_to_remove'],
  },
  VIRTUAL_HOST: {
    text: ['name'],
    lists: ['domains', 'routes', 'request_headers_to_add', 'response_headers_to_add', 'rate_limits'],
  },
  HTTP_ROUTE: { text: ['name'], lists: ['request_headers_to_add', 'response_headers_to_add'] },
};

/** Istio reads the value as what it patches; text where a list belongs it cannot read. */
export const wrongValueType = defineRefusal('EnvoyFilter', {
  id: 'envoy-filter/wrong-value-type',
  why: 'Istio reads the value of a patch as the Envoy object that it patches, and refuses what it cannot read: a name that is no text, a single value for a list, a duration that is not written in seconds.',
  *check({ spec }) {
    for (const entry of spec.at('configPatches').items) {
      const known = fields[entry.at('applyTo').string ?? ''];
      const value = entry.at('patch', 'value');
      if (!known || value.type !== 'map') continue;
      for (const name of known.text ?? []) yield* findWrongType(at(value, name), 'string', l10n.t('text'));
      for (const name of known.lists ?? []) yield* findWrongType(at(value, name), 'list', l10n.t('a list'));
      for (const name of known.durations ?? []) yield* findWrongDuration(at(value, name));
    }
  },
});

/** Protobuf takes both spellings, `connect_timeout` and `connectTimeout`. */
function at(value: Located, name: string): Located {
  const plain = value.at(name);
  return plain.exists ? plain : value.at(name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()));
}

function* findWrongType(value: Located, type: LocatedType, wanted: string): Iterable<Finding> {
  if (!value.isSet || value.type === type) return;
  yield finding(
    value,
    l10n.t('"{0}" is {1} to Envoy: Istio cannot read it otherwise and refuses it.', value.key?.string ?? '', wanted),
  );
}

function* findWrongDuration(value: Located): Iterable<Finding> {
  // Some write a duration as its parts, which Istio refuses, too; what is no scalar is left to it.
  if (value.value === undefined || !value.isSet) return;
  if (value.string !== undefined && /^[-+]?\d+(\.\d{1,9})?s$/.test(value.string)) return;
  const duration = value.string === undefined ? value.number! * 1000 : parseDuration(value.string);
  const seconds = duration === undefined || Number.isNaN(duration) ? undefined : `${duration / 1000}s`;
  const isPlain = seconds !== undefined && /^-?\d+(\.\d{1,9})?s$/.test(seconds) && value.string !== undefined;
  yield finding(
    value,
    l10n.t(
      'Durations of Envoy are written in seconds, such as 5s or 0.25s: Istio cannot read "{0}" and refuses it.',
      value.text,
    ),
    {
      fixes: isPlain
        ? [{ title: l10n.t('Change to {0}', seconds), preferred: true, edits: () => replaceValue(value, seconds) }]
        : [],
    },
  );
}
