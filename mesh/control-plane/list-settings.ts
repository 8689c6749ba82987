import * as l10n from '@vscode/l10n';
import type { InjectorConfig } from '../injection/injector-config.ts';
import type { MeshSettings } from '../mesh-settings.ts';

/** One thing that a mesh was told, or that holds because nobody said otherwise. */
export interface SettingLine {
  /** As the mesh's configuration names it: `outboundTrafficPolicy`. */
  key: string;
  value: string;
  /** Nobody said it. */
  isDefault: boolean;
  /** What it means. */
  says: string;
}

/** What of a mesh's configuration decides about traffic and trust, the defaults included. */
export function listSettings(settings: MeshSettings, namespace: string, injector?: InjectorConfig): SettingLine[] {
  const outbound = settings.outboundTrafficPolicy ?? 'ALLOW_ANY';
  const autoMtls = settings.enableAutoMtls ?? true;
  const mode = settings.interceptionMode ?? 'REDIRECT';
  const selectors = settings.discoverySelectors?.length ?? 0;
  const lines: (SettingLine | undefined)[] = [
    line(
      'outboundTrafficPolicy',
      settings.outboundTrafficPolicy,
      'ALLOW_ANY',
      outbound === 'REGISTRY_ONLY'
        ? l10n.t('Pods reach only what the mesh knows; the rest ends in the BlackHoleCluster.')
        : l10n.t('Pods reach hosts that the mesh does not know, past its policies.'),
    ),
    line(
      'enableAutoMtls',
      flag(settings.enableAutoMtls),
      'true',
      autoMtls
        ? l10n.t('Clients send mutual TLS to every pod that takes it.')
        : l10n.t('Clients send mutual TLS only where a DestinationRule says ISTIO_MUTUAL.'),
    ),
    settings.minProtocolVersion === undefined
      ? undefined
      : line(
          'meshMTLS.minProtocolVersion',
          settings.minProtocolVersion,
          '',
          l10n.t('The least TLS version between pods.'),
        ),
    line(
      'rootNamespace',
      settings.rootNamespace,
      namespace,
      l10n.t('Policies without selector count for the whole mesh here.'),
    ),
    line(
      'trustDomain',
      settings.trustDomain,
      'cluster.local',
      l10n.t('What the identities of certificates begin with.'),
    ),
    settings.trustDomainAliases
      ? line(
          'trustDomainAliases',
          settings.trustDomainAliases.join(', '),
          '',
          l10n.t('Identities of these are taken as well.'),
        )
      : undefined,
    line('accessLogFile', settings.accessLogFile, l10n.t('none'), l10n.t('Where proxies write their access log.')),
    line(
      'interceptionMode',
      settings.interceptionMode,
      'REDIRECT',
      mode === 'TPROXY'
        ? l10n.t('Inbound connections keep the address of who calls.')
        : l10n.t('To the app, inbound connections come from the proxy.'),
    ),
    selectors === 0
      ? undefined
      : line(
          'discoverySelectors',
          String(selectors),
          '',
          l10n.t('The control plane looks only at namespaces that these select.'),
        ),
    settings.holdApplicationUntilProxyStarts === undefined
      ? undefined
      : line(
          'holdApplicationUntilProxyStarts',
          flag(settings.holdApplicationUntilProxyStarts),
          '',
          l10n.t('Whether the app waits for its proxy.'),
        ),
    injector &&
      line(
        'cni',
        injector.cni ? l10n.t('on') : undefined,
        l10n.t('off'),
        injector.cni
          ? l10n.t('The CNI plugin programs the redirect rules; pods have no istio-init.')
          : l10n.t('istio-init programs the redirect rules, with NET_ADMIN.'),
      ),
    injector?.namespacesByDefault
      ? line('enableNamespacesByDefault', 'true', 'false', l10n.t('Namespaces without any label are injected, too.'))
      : undefined,
  ];
  return lines.filter((one) => one !== undefined);
}

function line(key: string, said: string | undefined, otherwise: string, says: string): SettingLine {
  return { key, value: said ?? otherwise, isDefault: said === undefined, says };
}

function flag(value: boolean | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}
