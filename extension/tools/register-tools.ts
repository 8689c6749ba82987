import * as vscode from 'vscode';
import type { OpenApp } from '../app.ts';
import { toolNames } from '../ids.ts';

/**
 * Gives the tools to the editor's language models. Forks of VS Code, and older ones, may not know of tools: then there are
 * none. What a tool does is loaded when it is first called.
 */
export function registerTools(open: () => Promise<OpenApp>): vscode.Disposable {
  const lm = vscode.lm as Partial<typeof vscode.lm> | undefined;
  if (typeof lm?.registerTool !== 'function' || typeof vscode.LanguageModelToolResult !== 'function')
    return new vscode.Disposable(() => undefined);
  const load = async (name: string) => (await open()).openTool(name);
  const registered = Object.values(toolNames).map((name) =>
    lm.registerTool!<object>(name, {
      prepareInvocation: async ({ input }) => (await load(name)).prepare(input),
      invoke: async ({ input, tokenizationOptions }, token) =>
        (await load(name)).invoke(input, tokenizationOptions, token),
    }),
  );
  return vscode.Disposable.from(...registered);
}
