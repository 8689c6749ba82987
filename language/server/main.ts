/** The language server as a process: `--stdio` for any editor, `--node-ipc` for VS Code. */
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { Session } from './session.ts';

const connection = createConnection(ProposedFeatures.all);
// A fault in one answer must not take the session with it: the next keystroke is another chance.
process.on('uncaughtException', (error) => connection.console.error(error.stack ?? error.message));
process.on('unhandledRejection', (reason) => connection.console.error(String(reason)));
new Session(connection);
connection.listen();
