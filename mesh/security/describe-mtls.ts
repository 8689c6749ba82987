import * as l10n from '@vscode/l10n';
import { literal, table } from '../markdown.ts';
import type { ClientTls, Sends } from './client-tls.ts';
import type { Outcome } from './compare-sides.ts';
import type { MtlsStep, PortMtls, ServerMtls, Taken } from './decide-server-mtls.ts';
import type { Call, CalledServiceMtls, Clients } from './explain-host.ts';
import type { MtlsExplanation } from './explain-mtls.ts';
import { printLabels } from './find-client-rule.ts';
import type { StrictBreaker } from './find-strict-breakers.ts';

export interface MtlsPage {
  explanation: MtlsExplanation;
  /** From where the objects are: `Cluster kind-mesh, live`. */
  origin: string;
  /** What could not be read. */
  missing?: readonly string[];
}

/**
 * The explanation for a person to read: the verdict, then the server's side, the clients' side and what STRICT would break.
 * @returns Markdown in which every text of a cluster stands literally.
 */
export function describeMtls({ explanation, origin, missing = [] }: MtlsPage): string {
  const { subject, servers, services, notes } = explanation;
  const parts = [
    `# ${l10n.t('Mutual TLS of {0}', literal(`${subject.kind} ${subject.namespace}/${subject.name}`))}`,
    literal(origin),
    `**${literal(summarizeMtls(explanation))}**`,
    ...failures(services),
    ...notes.map(literal),
    ...servers.map(describeServer),
    ...services.map(describeService),
    ...servers.flatMap(describeBreakers),
  ];
  if (missing.length > 0)
    parts.push(`> ${l10n.t('Could not be read, and counts as not there: {0}.', literal(missing.join(', ')))}`);
  return `${parts.join('\n\n')}\n`;
}

/** The verdict in one sentence. */
export function summarizeMtls({ servers, services }: MtlsExplanation): string {
  const failing = services.flatMap(({ clients }) => clients.flatMap(({ calls }) => calls.filter(isFailing)));
  const taken = [
    ...new Set(servers.flatMap(({ takes, ports }) => (ports.length > 0 ? ports.map((one) => one.takes) : [takes]))),
  ];
  const [only] = taken;
  const server =
    taken.length === 0
      ? l10n.t('No pod is known here.')
      : taken.length === 1 && only
        ? takenInWords(only)
        : l10n.t('Not the same on every port or workload: {0}.', taken.map(shortTaken).join(', '));
  return failing.length > 0 ? `${server} ${l10n.t('Some clients cannot get through.')}` : server;
}

/** For the end of a tooltip: `mTLS: STRICT; 8080: DISABLE`. */
export function summarizeServer({ takes, ports }: Pick<ServerMtls, 'takes' | 'ports'>): string {
  const others = ports.filter((port) => port.takes !== takes);
  return [shortTaken(takes), ...others.map((port) => `${port.port}: ${shortTaken(port.takes)}`)].join('; ');
}

function failures(services: readonly CalledServiceMtls[]): string[] {
  const lines = services.flatMap(({ name, namespace, clients }) =>
    clients.flatMap(({ namespaces, calls }) =>
      calls
        .filter(isFailing)
        .map(
          ({ port, tls, agreement }) =>
            `- ✗ ${l10n.t(
              'Clients of {0} to {1}: {2} {3}',
              literal(namespaces.join(', ')),
              literal(`${name}.${namespace}:${port}`),
              literal(tls.says),
              literal(agreement.says),
            )}`,
        ),
    ),
  );
  return lines.length > 0 ? [lines.join('\n')] : [];
}

function isFailing({ agreement }: Call): boolean {
  return agreement.outcome === 'fails';
}

// ---- the server's side ----------------------------------------------------------------------------------------------

function describeServer(server: ServerMtls): string {
  const { owner, namespace, ports, steps, takes, server: pod } = server;
  const title = `## ${l10n.t('What {0} takes', literal(`${owner.kind} ${namespace}/${owner.name}`))}`;
  const rows = [
    ...ports.map((port) => [String(port.port), behind(port), mark(port.takes), literal(port.says)]),
    ...(pod.standing === 'none' || pod.standing === 'gateway' || pod.standing === 'waypoint'
      ? []
      : [[l10n.t('any other'), '', mark(takes), '']]),
  ];
  const list = table([l10n.t('Port of the pod'), l10n.t('Service port'), l10n.t('Takes'), l10n.t('Why')], rows);
  const said = steps.map(describeStep).join('\n');
  return [title, ...(rows.length > 0 ? [list] : []), `### ${l10n.t('Step by step')}`, said].join('\n\n');
}

function behind({ behind: services }: PortMtls): string {
  return services.length === 0
    ? l10n.t('none')
    : literal(services.map(({ service, port, name }) => `${service}:${port}${name ? ` (${name})` : ''}`).join(', '));
}

const stepMarks: Record<MtlsStep['verdict'], string> = { continue: '→', decides: '✓' };

function describeStep({ check, value, verdict, says }: MtlsStep, index: number): string {
  const found = value === undefined || value === '' ? '' : ` (${literal(value)})`;
  return `${index + 1}. ${stepMarks[verdict]} **${literal(check)}**${found}: ${literal(says)}`;
}

/** STRICT with the words that say what it does. */
function mark(takes: Taken): string {
  return `**${literal(shortTaken(takes))}**`;
}

/** As Istio writes it, where Istio has a word. */
export function shortTaken(takes: Taken): string {
  switch (takes) {
    case 'NONE':
      return l10n.t('no proxy');
    case 'BYPASSED':
      return l10n.t('not redirected');
    case 'OWN':
      return l10n.t('the Gateway’s own TLS');
    case 'OUTSIDE':
      return l10n.t('outside of the mesh');
    default:
      return takes;
  }
}

function takenInWords(takes: Taken): string {
  switch (takes) {
    case 'STRICT':
      return l10n.t('STRICT: mutual TLS only.');
    case 'PERMISSIVE':
      return l10n.t('PERMISSIVE: mutual TLS and plain text.');
    case 'DISABLE':
      return l10n.t('DISABLE: no mutual TLS; the app gets what is sent.');
    case 'NONE':
      return l10n.t('No proxy of the mesh: the app itself takes what is sent, and no PeerAuthentication counts.');
    case 'BYPASSED':
      return l10n.t('The ports are not redirected to the proxy: the app itself takes what is sent.');
    case 'OWN':
      return l10n.t('A gateway: its Gateway says what it takes.');
    case 'OUTSIDE':
      return l10n.t('Outside of the mesh.');
  }
}

// ---- the clients' side ----------------------------------------------------------------------------------------------

function describeService(service: CalledServiceMtls): string {
  const rows = [
    ...service.clients.flatMap((clients) => clients.calls.map((call) => callRow(clients, call))),
    ...service.outsiders.map(({ port, agreement }) => [
      l10n.t('without a proxy'),
      String(port),
      l10n.t('what the app sends'),
      `${outcomeMark(agreement.outcome)} ${literal(agreement.says)}`,
    ]),
  ];
  const parts = [`## ${l10n.t('What clients of {0} send', literal(service.host))}`];
  parts.push(
    rows.length > 0
      ? table([l10n.t('Clients in'), l10n.t('Port'), l10n.t('They send'), l10n.t('What comes of it')], rows)
      : l10n.t('It has no TCP port, or nobody behind it is known.'),
  );
  for (const { namespaces, steps, by } of service.clients) {
    const who =
      by === 'ambient'
        ? l10n.t('Ambient clients in {0}', literal(few(namespaces)))
        : l10n.t('Clients in {0}', literal(few(namespaces)));
    parts.push(`### ${who}`, steps.map(describeStep).join('\n'));
  }
  return parts.join('\n\n');
}

function callRow({ namespaces, by }: Clients, { port, target, tls, takes, servers, agreement }: Call): string[] {
  const who = [
    few(namespaces),
    by === 'ambient' && l10n.t('ambient'),
    tls.clientLabels && l10n.t('with {0}', printLabels(tls.clientLabels)),
  ].filter((part) => typeof part === 'string');
  const to = [
    target !== undefined && target !== port ? `${port} → ${target}` : String(port),
    tls.subset !== undefined && l10n.t('subset {0}', tls.subset),
  ].filter((part) => typeof part === 'string');
  const whose = servers.length > 0 ? `${few(servers)}: ` : '';
  return [
    literal(who.join(', ')),
    literal(to.join(', ')),
    `**${literal(sendsInWords(tls))}**: ${literal(tls.says)}`,
    `${outcomeMark(agreement.outcome)} ${literal(`${whose}${shortTaken(takes)}. ${agreement.says}`)}`,
  ];
}

function few(names: readonly string[]): string {
  return names.length <= 5
    ? names.join(', ')
    : l10n.t('{0} and {1} more', names.slice(0, 4).join(', '), names.length - 4);
}

function sendsInWords({ sends, mode }: Pick<ClientTls, 'sends' | 'mode'>): string {
  const words: Record<Sends, string> = {
    auto: l10n.t('mutual TLS where it is taken'),
    mesh: l10n.t('mutual TLS'),
    plain: l10n.t('plain text'),
    tls: l10n.t('TLS without a certificate of the mesh'),
    own: l10n.t('mutual TLS with certificates of its own'),
  };
  return mode === undefined ? words[sends] : `${words[sends]} (${mode})`;
}

/** The words beside it say the same. */
function outcomeMark(outcome: Outcome): string {
  const marks: Record<Outcome, string> = { mutual: '✓', plain: '○', fails: '✗', depends: '?' };
  return marks[outcome];
}

// ---- what would break -----------------------------------------------------------------------------------------------

function describeBreakers({ owner, namespace, breakers, takes, ports }: MtlsExplanation['servers'][number]): string[] {
  const isOpen = [takes, ...ports.map((port) => port.takes)].some((one) => one === 'PERMISSIVE' || one === 'DISABLE');
  if (!isOpen) return [];
  const name = literal(`${owner.kind} ${namespace}/${owner.name}`);
  const title = `## ${l10n.t('What STRICT would break for {0}', name)}`;
  const blind = l10n.t(
    'Traffic cannot be seen from here: these are callers that say so in their configuration, and those that could call. Before you switch, look for connection_security_policy="none" in the metric istio_requests_total (or istio_tcp_connections_opened_total) of these pods.',
  );
  if (breakers.length === 0)
    return [[title, l10n.t('Nobody without a proxy is known who would call.'), `> ${blind}`].join('\n\n')];
  return [[title, breakers.map(describeBreaker).join('\n'), `> ${blind}`].join('\n\n')];
}

function describeBreaker({ who, says, likelihood }: StrictBreaker): string {
  const words: Record<StrictBreaker['likelihood'], string> = {
    names: l10n.t('calls, by its configuration'),
    mesh: l10n.t('has a proxy'),
    outside: l10n.t('calls from outside of the mesh'),
    may: l10n.t('could call'),
  };
  return `- **${literal(who)}** (${words[likelihood]}): ${literal(says)}`;
}
