import { isAbsolute } from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { describeFailure } from '../failures.ts';
import type { LanguageSupport } from '../language-support.ts';
import { ownHelperHash, ownVersion } from '../panels/own-helper.ts';
import { readPodRules } from '../panels/read-pod-rules.ts';
import { tools } from './index.ts';
import { ToolFailure, ToolInputError, type Tool, type ToolServices } from './tool.ts';

/** A tool as the editor calls it. */
export interface OpenTool {
  prepare(input: unknown): vscode.PreparedToolInvocation;
  invoke(
    input: unknown,
    budget: vscode.LanguageModelToolTokenizationOptions | undefined,
    token: vscode.CancellationToken,
  ): Promise<vscode.LanguageModelToolResult>;
}

/** Some hundred rules with their explanations; more than that no model reads with care. */
const usualLimit = 40_000;
const charactersPerToken = 3;

/** @param name one of `toolNames`. */
export function openTool(app: App, language: LanguageSupport, name: string): OpenTool {
  const tool = tools.find((each) => each.name === name);
  if (!tool) throw new Error(`There is no tool ${name}.`);
  const services = servicesOf(app, language);
  return {
    prepare: (input) => prepare(tool, input, services),
    async invoke(input, budget, token) {
      const limit = Math.min(usualLimit, (budget?.tokenBudget ?? Infinity) * charactersPerToken);
      const { says, json } = await withSignal(token, async (signal) => {
        try {
          return await tool.run(tool.read(input), services, { signal, limit });
        } catch (error) {
          throw describeForModel(app, error, signal);
        }
      });
      const parts = [says, JSON.stringify(json)].map((text) => new vscode.LanguageModelTextPart(text));
      return new vscode.LanguageModelToolResult(parts);
    },
  };
}

/** An input that cannot be read is not asked about: the call that follows tells the model what is wrong with it. */
function prepare(tool: Tool, input: unknown, services: ToolServices): vscode.PreparedToolInvocation {
  try {
    const read = tool.read(input);
    const confirmationMessages = tool.confirm?.(read, services);
    return { invocationMessage: tool.progress(read, services), ...(confirmationMessages && { confirmationMessages }) };
  } catch (error) {
    if (error instanceof ToolInputError) return {};
    throw error;
  }
}

function servicesOf(app: App, language: LanguageSupport): ToolServices {
  return {
    chosenCluster: () => app.clusters.chosen.name,
    isInside: (path) => !isAbsolute(path) || vscode.workspace.getWorkspaceFolder(vscode.Uri.file(path)) !== undefined,
    connect: () => app.clusters.connect(),
    readPod: async (cluster, place, signal) =>
      readPodRules(cluster, place, {
        signal,
        ownHash: await ownHelperHash(app.context),
        version: ownVersion(app.context),
        acceptComputed: true,
        log: (text) => app.log.info(text),
      }),
    async findings(path, signal) {
      const uri = await findFile(path);
      const document = await vscode.workspace.openTextDocument(uri);
      const source = new vscode.CancellationTokenSource();
      signal.addEventListener('abort', () => source.cancel(), { once: true });
      return { file: uri.fsPath, reply: await language.findings(document, source.token) };
    },
  };
}

/** An absolute path; else the first folder of the window that has such a file. */
async function findFile(path: string): Promise<vscode.Uri> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const candidates = isAbsolute(path)
    ? [vscode.Uri.file(path)]
    : folders.map(({ uri }) => vscode.Uri.joinPath(uri, path));
  for (const candidate of candidates) {
    try {
      await vscode.workspace.fs.stat(candidate);
      return candidate;
    } catch {
      // The next folder may have it.
    }
  }
  const where = isAbsolute(path)
    ? path
    : `${path} in ${folders.map(({ uri }) => uri.fsPath).join(', ') || 'no folder'}`;
  throw new ToolFailure(`There is no file ${where}. Give its path, absolute or relative to a folder of the window.`);
}

async function withSignal<T>(token: vscode.CancellationToken, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  if (token.isCancellationRequested) throw new vscode.CancellationError();
  const listening = token.onCancellationRequested(() => controller.abort());
  try {
    return await work(controller.signal);
  } finally {
    listening.dispose();
  }
}

/** What happened, why and what to do next, so that the model can tell the person or try again. */
function describeForModel({ log }: App, error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return new vscode.CancellationError();
  if (!(error instanceof ToolInputError) && !(error instanceof ToolFailure)) log.error(describeFailure(error));
  return new Error(describeFailure(error));
}
