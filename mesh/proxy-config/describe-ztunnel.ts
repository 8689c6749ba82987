/** What a ztunnel holds, as pages for people. */
import * as l10n from '@vscode/l10n';
import { literal, table } from '../markdown.ts';
import { pageTitle, type ZtunnelKind } from './pages.ts';
import type { ZtunnelConfig } from './parse-ztunnel.ts';
import type { ProxyReport } from './report.ts';
import { untilOrAgo } from './times.ts';

/** The parts of its overview. */
export function describeZtunnel(report: ProxyReport): string[] {
  const { ztunnel } = report.config;
  if (!ztunnel) return [];
  const kinds = ['workloads', 'services', 'policies', 'certificates'] as const;
  const counts = kinds.map((kind) => [pageTitle(kind), String(ztunnel[kind].length)]);
  const open = ztunnel.connections.filter(({ inbound, outbound }) => inbound + outbound > 0);
  return [
    ...(report.onBehalfOf === undefined ? [] : [describeWorkload(ztunnel, report.onBehalfOf, report.now)]),
    `## ${l10n.t('What it holds')}\n\n${table([l10n.t('Kind'), l10n.t('Number')], counts)}`,
    ...(open.length > 0
      ? [
          `## ${l10n.t('Connections now')}\n\n${table(
            [l10n.t('Workload'), l10n.t('In'), l10n.t('Out')],
            open.map(({ workload, inbound, outbound }) => [literal(workload), String(inbound), String(outbound)]),
          )}`,
        ]
      : []),
  ];
}

/** What ztunnel knows of one pod: whether it is there at all decides whether its traffic is encrypted. */
function describeWorkload(ztunnel: ZtunnelConfig, name: string, now: string): string {
  const found = ztunnel.workloads.find((one) => one.name === name);
  if (!found) return `⚠ ${l10n.t('This ztunnel does not know {0}: istiod has not sent it.', literal(name))}`;
  const { identity, policies, waypoint, protocol, status, addresses } = found;
  const chain = ztunnel.certificates.find((one) => one.identity === identity)?.chain ?? [];
  const services = ztunnel.services.filter(({ workloads }) => found.uid !== '' && workloads.includes(found.uid));
  const rows = [
    [l10n.t('Address'), addresses.join(', ')],
    [
      l10n.t('Receives by'),
      protocol === 'HBONE'
        ? l10n.t('HBONE: tunnels with mutual TLS')
        : l10n.t('{0}: as it is, without mutual TLS', protocol),
    ],
    [l10n.t('Health'), status],
    [l10n.t('Identity'), identity],
    [
      l10n.t('Certificate'),
      chain[0] ? l10n.t('expires {0}', untilOrAgo(chain[0].expires, now)) : l10n.t('none here now'),
    ],
    [l10n.t('Waypoint'), waypoint],
    [l10n.t('Policies'), policies.join(', ')],
    [l10n.t('Services'), services.map(({ host }) => host).join(', ')],
  ].filter(([, value]) => value !== '');
  return table(
    [literal(name), ''],
    rows.map((row) => row.map((cell) => literal(cell ?? ''))),
  );
}

export function ztunnelRows(
  { config: { ztunnel }, now }: ProxyReport,
  page: ZtunnelKind,
): { head: string[]; rows: string[][] } {
  switch (page) {
    case 'workloads':
      return {
        head: [
          ...[l10n.t('Name'), l10n.t('Address'), l10n.t('Node'), l10n.t('Receives by'), l10n.t('Health')],
          ...[l10n.t('Waypoint'), l10n.t('Policies')],
        ],
        rows: (ztunnel?.workloads ?? []).map((one) => [
          ...[
            one.name,
            one.addresses.join(', '),
            one.node,
            one.protocol,
            one.status,
            one.waypoint,
            one.policies.join(', '),
          ],
        ]),
      };
    case 'services':
      return {
        head: [l10n.t('Host'), l10n.t('Address'), l10n.t('Ports'), l10n.t('Endpoints'), l10n.t('Waypoint')],
        rows: (ztunnel?.services ?? []).map((one) => [
          ...[
            one.host,
            one.addresses.join(', '),
            one.ports.join(', '),
            `${one.healthy}/${one.endpoints}`,
            one.waypoint,
          ],
        ]),
      };
    case 'policies':
      return {
        head: [l10n.t('Name'), l10n.t('Action'), l10n.t('Scope'), l10n.t('Rules')],
        rows: (ztunnel?.policies ?? []).map((one) => [one.name, one.action, one.scope, String(one.rules)]),
      };
    case 'certificates':
      return {
        head: [l10n.t('Identity'), l10n.t('State'), l10n.t('Valid until'), l10n.t('Serial')],
        rows: (ztunnel?.certificates ?? []).map(({ identity, state, chain: [own] }) => [
          ...[identity, state, own ? `${own.expires} (${untilOrAgo(own.expires, now)})` : '', own?.serial ?? ''],
        ]),
      };
  }
}
