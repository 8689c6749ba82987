/** The manifest of this extension's helper, from the user's settings and the programs that the extension ships. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { defaultAgentSettings, type AgentSettings } from '../../contract/cni-plugin.ts';
import type { HelperMode } from '../../contract/node-helper-rights.ts';
import type { App } from '../app.ts';
import { settingIds } from '../ids.ts';
import { helperManifest, type CniDirectories, type HelperOptions, type Launchers } from './manifest.ts';
import { readHelperProgram } from './program.ts';

/** @param directories where the runtimes of the nodes look; absent: the usual ones. @throws RangeError, Error without the plugin's program */
export async function prepareManifest(
  app: App,
  mode: HelperMode = 'observe',
  directories?: CniDirectories,
): Promise<{ manifest: ReturnType<typeof helperManifest>; options: HelperOptions }> {
  const { bytes } = await readHelperProgram(app.context.extensionUri.fsPath);
  const { version = '0.0.0' } = app.context.extension.packageJSON as { version?: string };
  const image = vscode.workspace.getConfiguration().get<string>(settingIds.helperImage, '').trim() || 'node:24-slim';
  const launchers = await readLaunchers(app.context.extensionUri.fsPath);
  const observe: HelperOptions = { image, version, program: bytes, launchers, ...(directories && { directories }) };
  if (mode === 'observe') return { manifest: helperManifest(observe), options: observe };
  if (Object.keys(launchers).length === 0) throw noProgram();
  const options: HelperOptions = {
    ...observe,
    mode,
    settings: readAgentSettings(),
  };
  return { manifest: helperManifest(options), options };
}

/** What a person wrote there may be of another type: then the default counts. */
export function readAgentSettings(): AgentSettings {
  const configuration = vscode.workspace.getConfiguration();
  const names = configuration.get<unknown>(settingIds.cniExcludeNamespaces);
  const onMiss = configuration.get<unknown>(settingIds.cniOnMiss);
  const backend = configuration.get<unknown>(settingIds.cniBackend);
  return {
    excludeNamespaces: Array.isArray(names)
      ? names.filter((name): name is string => typeof name === 'string' && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
      : defaultAgentSettings.excludeNamespaces,
    onMiss: onMiss === 'delete' ? 'delete' : defaultAgentSettings.onMiss,
    backend: backend === 'nft' || backend === 'legacy' ? backend : defaultAgentSettings.backend,
  };
}

/** The plugin's program for each processor that this build has it for. */
async function readLaunchers(extensionPath: string): Promise<Launchers> {
  const launchers: Launchers = {};
  for (const arch of ['x64', 'arm64'] as const) {
    const file = join(extensionPath, 'dist', `meshloom-cni-${arch}`);
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes) launchers[arch] = bytes;
  }
  return launchers;
}

function noProgram(): Error {
  return new Error(
    vscode.l10n.t(
      'This build of the extension lacks the CNI plugin’s program (dist/meshloom-cni-x64): it cannot be installed. Install the extension from its package.',
    ),
  );
}
