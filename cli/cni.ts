import * as l10n from '@vscode/l10n';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { oneOf, readFlags } from './flags.ts';
import { UsageError } from './verb.ts';
import type { Terminal, Verb } from './verb.ts';

const flags = {
  format: { type: 'string', default: 'text' },
  'conf-dir': { type: 'string' },
  'bin-dir': { type: 'string' },
  'state-dir': { type: 'string' },
  'results-dir': { type: 'string' },
  'plugin-conf': { type: 'string' },
  'plugin-bin': { type: 'string' },
  'host-root': { type: 'string' },
  mode: { type: 'string' },
} as const;

/** Where everything lies, the same for all four verbs. */
function directories(): string {
  return l10n.t(`  --conf-dir DIR       the runtime's configuration directory (default: as the runtime says, else /etc/cni/net.d)
  --bin-dir DIR        its plugins' programs (default: as the runtime says, else /opt/cni/bin)
  --state-dir DIR      ours: journal and originals, never inside the configuration directory (default /var/lib/meshloom/cni)
  --results-dir DIR    the runtime's cache of connected pods (default /var/lib/cni/results)
  --host-root DIR      where the node's root is mounted; all directories are named as the node names them (default: none)
  --format text|json   text for people (default), json for programs
  -h, --help           this text

Exit: 0 done or nothing to do, 2 refused and nothing changed, 1 it failed on the way (what is there loads; run again).`);
}

export const cniPlan: Verb = {
  name: ['cni', 'plan'],
  get summary() {
    return l10n.t("show what chaining a plugin into this node's CNI configuration would write");
  },
  get help() {
    return `${l10n.t(`Usage: meshloom cni plan [--mode chained|standalone] [--plugin-conf FILE [--plugin-bin FILE]] [FLAGS]

Writes nothing. Picks the file that the runtime picks, asks every plugin of its chain (VERSION, nothing else) and shows the
change: which file, which version, and why not, where it would break the node.

  --mode MODE          chained (default): one more plugin of the list in force. standalone: a file of its own, never in force,
                       for a plugin that calls others (Multus, Galaxy) to call
  --plugin-conf FILE   the entry, a JSON object: {"type":"...", ...}; "-" is standard input (default: Meshloom's own)
  --plugin-bin FILE    the plugin's program (default: Meshloom's own, where the entry is)`)}\n${directories()}`;
  },
  run: (terminal) => runOnNode('plan', terminal),
};

export const cniInstall: Verb = {
  name: ['cni', 'install'],
  get summary() {
    return l10n.t("chain a plugin into this node's CNI configuration");
  },
  get help() {
    return `${l10n.t(`Usage: meshloom cni install [--mode chained|standalone] [--plugin-conf FILE [--plugin-bin FILE]] [FLAGS]

Does what "cni plan" shows. The directory loads at every instant; installing twice is installing once; killed at any moment,
running again finishes or undoes. "cni uninstall" gives back what was there.

  --mode MODE          chained (default): one more plugin of the list in force. standalone: a file of its own, never in force,
                       for a plugin that calls others (Multus, Galaxy) to call
  --plugin-conf FILE   the entry, a JSON object: {"type":"...", ...}; "-" is standard input (default: Meshloom's own)
  --plugin-bin FILE    the plugin's program, placed as BIN-DIR/TYPE before the configuration names it`)}\n${directories()}`;
  },
  run: (terminal) => runOnNode('install', terminal),
};

export const cniUninstall: Verb = {
  name: ['cni', 'uninstall'],
  get summary() {
    return l10n.t("take the plugin out of this node's CNI configuration again");
  },
  get help() {
    return `${l10n.t(`Usage: meshloom cni uninstall [--plugin-conf FILE] [FLAGS]

Gives the files back as they were, with mode, owner and links. Where somebody else wrote to one since, only the plugin's
entry goes. Its program stays as long as running pods were connected with it.

  --plugin-conf FILE   names the plugin, where the journal is lost (default: meshloom-cni)
  --plugin-bin FILE    its program, to know it again where the journal is lost`)}\n${directories()}`;
  },
  run: (terminal) => runOnNode('uninstall', terminal),
};

export const cniRepair: Verb = {
  name: ['cni', 'repair'],
  get summary() {
    return l10n.t("heal this node's CNI configuration where it makes pods fail");
  },
  get help() {
    return `${l10n.t(`Usage: meshloom cni repair [FLAGS]

Heals a list whose version a plugin does not speak, a single configuration that an installer turned into a list, entries whose
program is gone or that stand there twice, and the same network as .conf and .conflist. Copies of what it replaces are kept
in the state directory.
`)}\n${directories()}`;
  },
  run: (terminal) => runOnNode('repair', terminal),
};

/** The same program that runs on a node does it: one code path. */
async function runOnNode(verb: string, terminal: Terminal): Promise<number> {
  const { values, positionals } = readFlags(terminal.args, flags);
  oneOf('--format', values.format, ['text', 'json'] as const);
  if (values.mode !== undefined) oneOf('--mode', values.mode, ['chained', 'standalone'] as const);
  if (positionals.length > 0)
    throw new UsageError(l10n.t('This verb takes flags alone, not "{0}".', positionals.join(' ')));
  const program = join(terminal.programs ?? '.', 'node-helper.js');
  const args = [program, 'cni', verb, ...terminal.args];
  // In our own place where that is possible, else as a child that ends with us: who stops this process stops the work.
  terminal.become?.(args);
  const child = spawn(process.execPath, [...args, '--with-parent', String(process.pid)], {
    cwd: terminal.cwd,
    stdio: ['inherit', 'pipe', 'pipe'],
    ...(terminal.env && { env: terminal.env as NodeJS.ProcessEnv }),
  });
  child.stdout.setEncoding('utf8').on('data', terminal.out);
  child.stderr.setEncoding('utf8').on('data', terminal.err);
  return new Promise((resolve) => {
    child.on('error', (error) => {
      terminal.err(`${l10n.t('The node helper could not be started: {0}', error.message)}\n`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}
