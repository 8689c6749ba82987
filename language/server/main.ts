/** The language server as a process: `--stdio` for any editor, `--node-ipc` for VS Code. */
import { setFlagsFromString } from 'node:v8';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { Session } from './session.ts';

// Reading a workspace makes a lot of garbage at once, and V8 would answer with a nursery of 100 MB that it never gives back.
// Kept as small as it begins, it is swept more often, which costs nothing that could be measured.
setFlagsFromString('--semi-space-growth-factor=1');

const connection = createConnection(ProposedFeatures.all);
// A fault in one answer must not take the session with it: the next keystroke is another chance.
process.on('uncaughtException', (error) => connection.console.error(error.stack ?? error.message));
process.on('unhandledRejection', (reason) => connection.console.error(String(reason)));
new Session(connection);
connection.listen();
