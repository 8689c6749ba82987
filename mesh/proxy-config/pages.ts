/** The pages on which a proxy is shown, and their names. */
import * as l10n from '@vscode/l10n';
import { configKinds, type ConfigKind, type SyncKind } from './parse-proxy-config.ts';

export type ZtunnelKind = 'workloads' | 'services' | 'policies' | 'certificates';
export type ProxyPage = 'overview' | 'traffic' | 'bootstrap' | 'logging' | ConfigKind | ZtunnelKind;

const envoyPages = ['overview', 'traffic', ...configKinds, 'bootstrap', 'logging'] as const;
const ztunnelPages = ['overview', 'workloads', 'services', 'policies', 'certificates', 'logging'] as const;

/** What there is to choose from, for one kind of proxy. */
export function pagesOf(proxy: 'envoy' | 'ztunnel'): readonly ProxyPage[] {
  return proxy === 'ztunnel' ? ztunnelPages : envoyPages;
}

/** Whether rows can be chosen by words. */
export function isTable(page: ProxyPage): boolean {
  return page !== 'overview' && page !== 'bootstrap';
}

export function pageTitle(page: ProxyPage | SyncKind): string {
  switch (page) {
    case 'overview':
      return l10n.t('Overview');
    case 'traffic':
      return l10n.t('Where traffic goes');
    case 'listeners':
      return l10n.t('Listeners');
    case 'routes':
      return l10n.t('Routes');
    case 'clusters':
      return l10n.t('Clusters');
    case 'endpoints':
      return l10n.t('Endpoints');
    case 'secrets':
      return l10n.t('Secrets and certificates');
    case 'extensions':
      return l10n.t('Extensions');
    case 'bootstrap':
      return l10n.t('What it was started with');
    case 'logging':
      return l10n.t('Log levels');
    case 'workloads':
      return l10n.t('Workloads');
    case 'services':
      return l10n.t('Services');
    case 'policies':
      return l10n.t('Policies');
    case 'certificates':
      return l10n.t('Certificates');
  }
}
