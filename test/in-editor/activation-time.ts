import * as vscode from 'vscode';
import { report } from './eyes.ts';

/** Measures one activation: reading and running the bundle, and `activate()`. Nothing has activated us before. */
export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension('meshloom.meshloom');
  if (!extension || extension.isActive) {
    await report({ milliseconds: Number.NaN, loaded: [extension ? 'was active already' : 'is not installed'] });
    return;
  }
  const started = performance.now();
  await extension.activate();
  const milliseconds = performance.now() - started;
  const loaded = Object.keys(require.cache).filter((file) =>
    /dist[\\/](kubernetes|demo|language-client)\.js$/.test(file),
  );
  await report({ milliseconds, loaded });
}
