import { commandIds } from '../ids.ts';
import type { ConsoleKind } from '../hand-over/consoles.ts';
import type { ConsoleTarget } from '../hand-over/open-console.ts';
import { defineCommand, type Command } from './define-command.ts';
import { loadInspection } from './load-inspection.ts';

/** Opens a console on the page about a node of the trees; from the palette, on its first page. */
function openIn(id: string, kind: ConsoleKind): Command {
  return defineCommand<[target: ConsoleTarget]>(id, async (app, target) =>
    (await loadInspection()).openConsole(app, kind, target),
  );
}

export const openInKiali = openIn(commandIds.openInKiali, 'kiali');
export const openInGrafana = openIn(commandIds.openInGrafana, 'grafana');
export const openInJaeger = openIn(commandIds.openInJaeger, 'jaeger');
export const openInPrometheus = openIn(commandIds.openInPrometheus, 'prometheus');
