import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { toolNames } from '../../extension/ids.ts';
import { activated } from './support.ts';

const rules = `*nat
:OUTPUT ACCEPT [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_OUTPUT -j ISTIO_REDIRECT
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`;

describe('tools for language models', function () {
  this.timeout(60_000);
  const lm = vscode.lm as Partial<typeof vscode.lm> | undefined;
  const invoke = async (name: string, input: object) => {
    const { content } = await lm!.invokeTool!(name, { input, toolInvocationToken: undefined });
    const [says, json] = content.map((part) => (part as vscode.LanguageModelTextPart).value);
    return { says, json: JSON.parse(json ?? 'null') as unknown };
  };

  before(async function () {
    await activated();
    // Forks of VS Code, and editions without chat, know no tools: then there are none, and nothing fails.
    if (typeof lm?.registerTool === 'function' && lm.tools?.some(({ name }) => name === toolNames.analyzeFile)) return;
    console.log('skipped · tools for language models: this edition of VS Code registers none');
    this.skip();
  });

  it('are all there, with their schemas', () => {
    const known = new Map(lm?.tools?.map((tool) => [tool.name, tool]));
    for (const name of Object.values(toolNames)) assert.ok(known.get(name)?.inputSchema, name);
  });

  it('check a manifest through the language server', async () => {
    const { json, says } = await invoke(toolNames.analyzeFile, { path: 'demo/details.yaml' });
    const codes = (json as { code: string }[]).map(({ code }) => code);
    assert.deepEqual(codes.sort(), ['IST0118', 'IST0144']);
    assert.match(says ?? '', /1 warnings/);
  });

  it('follow a packet through rules that are given', async () => {
    const input = { rules, direction: 'out', dst: '10.0.0.9', dport: 80 };
    const { json } = await invoke(toolNames.tracePacket, input);
    assert.deepEqual(Object.keys(json as object), ['verdict', 'port', 'path', 'says']);
    assert.equal((json as { port: number }).port, 15001);
  });

  it('say what is wrong with an input', async () => {
    await assert.rejects(
      invoke(toolNames.tracePacket, { rules, direction: 'out', dst: 'reviews', dport: 80 }),
      /IP address/,
    );
  });
});
