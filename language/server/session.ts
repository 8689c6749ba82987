import * as l10n from '@vscode/l10n';
import {
  DidChangeWatchedFilesNotification,
  FileChangeType,
  TextDocuments,
  TextDocumentSyncKind,
  WatchKind,
} from 'vscode-languageserver/node';
import type {
  CancellationToken,
  Connection,
  FileEvent,
  InitializeParams,
  InitializeResult,
  Range,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import {
  clusterChangeNotification,
  clusterNotification,
  clusterPieceNotification,
  clusterSeenNotification,
  parseClusterChange,
  parseClusterSnapshot,
  parseObjects,
  type ClusterPiece,
  type PlainObject,
  yamlScheme,
} from '../../contract/cluster-layer.ts';
import { findingsRequest, objectsRequest } from '../../contract/language-server.ts';
import type {
  FindingsReply,
  FindingsRequest,
  LanguageServerOptions,
  LanguageServerSettings,
  ObjectsReply,
  ObjectsRequest,
} from '../../contract/language-server.ts';
import { listCodeActions } from '../features/code-actions.ts';
import { listCodeLenses } from '../features/code-lenses.ts';
import { findObjectAt, listObjects } from '../features/written-objects.ts';
import { toFindingJson } from '../features/finding-json.ts';
import { listCompletions } from '../features/completion.ts';
import { Names } from '../features/completion/names.ts';
import { findHover } from '../features/hover.ts';
import { manifestFile } from '../list-manifests.ts';
import { Workspace } from '../workspace.ts';
import { Folders } from './folders.ts';
import { ManifestReader } from './manifest-reader.ts';
import { Publisher, slice } from './publisher.ts';
import { readSettings } from './settings.ts';
import { canonicalUri } from './uris.ts';

/**
 * One editor's session. Everything that thinks is in the workspace and the features; this only carries: open documents,
 * files and a cluster in, diagnostics, lenses and actions out.
 */
export class Session {
  private readonly connection: Connection;
  private readonly documents = new TextDocuments(TextDocument);
  private readonly workspace: Workspace;
  private readonly folders = new Folders();
  private readonly reader: ManifestReader;
  private readonly publisher: Publisher;
  private readonly clientUris = new Map<string, string>();
  private settings: LanguageServerSettings = {};
  private canWatch = false;
  private canChangeFolders = false;
  private canRefreshLenses = false;
  private clusterSeen: number | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
    this.workspace = new Workspace({
      judgeCluster: false,
      onRuleFailure: ({ id }, error) =>
        connection.console.error(`rule ${id} failed: ${error instanceof Error ? error.stack : String(error)}`),
    });
    this.publisher = new Publisher(
      this.workspace,
      this.clientUri,
      (uri, diagnostics) =>
        void connection.sendDiagnostics({ uri, diagnostics }).catch((error: unknown) => this.log(error)),
      (message) => connection.console.info(message),
    );
    this.reader = new ManifestReader({
      connection,
      workspace: this.workspace,
      folders: this.folders,
      isOpen: (uri) => this.isOpen(uri),
      changed: () => this.publisher.publishSoon(),
    });
    connection.onInitialize((params) => this.initialize(params));
    connection.onInitialized(() => this.initialized());
    connection.onDidChangeConfiguration(({ settings }) => this.configure(settings as unknown));
    connection.onDidChangeWatchedFiles(({ changes }) => this.watchedFilesChanged(changes));
    this.answerQuestions();
    this.followCluster();
    this.followAge();
    this.documents.onDidChangeContent(({ document }) => this.setText(document.uri, document.getText()));
    this.documents.onDidClose(({ document }) => void this.reader.fileChanged(canonicalUri(document.uri), false));
    this.documents.listen(connection);
  }

  private answerQuestions(): void {
    const { connection, workspace } = this;
    connection.onCodeLens(({ textDocument }) => {
      const file = workspace.findFile(canonicalUri(textDocument.uri));
      return file && this.settings.codeLens !== false ? listCodeLenses(file) : [];
    });
    connection.onCodeAction(({ textDocument, range }) => {
      const document = this.documents.get(textDocument.uri);
      workspace.work(slice);
      const reports = workspace.findingsIn(canonicalUri(textDocument.uri));
      return document ? listCodeActions(reports, range, document.getText(), this.clientUri) : [];
    });
    connection.onRequest(findingsRequest, ({ uri }: FindingsRequest, token) => this.findingsOf(uri, token));
    connection.onRequest(objectsRequest, (request: ObjectsRequest, token) => this.objectsOf(request, token));
    connection.onCompletion(({ textDocument, position, context }) => {
      const document = this.documents.get(textDocument.uri);
      if (!document || this.folders.leavesOut(canonicalUri(textDocument.uri))) return undefined;
      return listCompletions(document, document.offsetAt(position), {
        names: () => this.names(),
        ...(workspace.structures && { structures: workspace.structures }),
        ...(context?.triggerCharacter !== undefined && { trigger: context.triggerCharacter }),
      });
    });
    connection.onHover(({ textDocument, position }) => {
      const uri = canonicalUri(textDocument.uri);
      const file = workspace.findFile(uri);
      return file ? findHover(file, workspace.findingsIn(uri), position, workspace.structures) : undefined;
    });
  }

  private names(): Names {
    const { workspace, clusterSeen } = this;
    const name = workspace.clusterName;
    const cluster = name === undefined ? undefined : { name, ...(clusterSeen !== undefined && { asOf: clusterSeen }) };
    return new Names(workspace.known(), cluster);
  }

  /** What is wrong in one file, once everything that was read has been judged: the first scan may still be running. */
  private async findingsOf(clientUri: string, token: CancellationToken): Promise<FindingsReply> {
    const { workspace } = this;
    while (!token.isCancellationRequested && (workspace.isHeld || !workspace.work(slice)))
      await new Promise((resolve) => setTimeout(resolve, workspace.isHeld ? 20 : 0));
    this.publisher.publishSoon();
    const uri = canonicalUri(clientUri);
    if (token.isCancellationRequested || !workspace.findFile(uri)) return {};
    const place = ({ range }: { range: Range }) => range.start.line * 10_000 + range.start.character;
    const reports = [...workspace.findingsIn(uri)].sort((a, b) => place(a) - place(b));
    return { findings: reports.map((report) => toFindingJson(report, this.clientUri)) };
  }

  /** What the files define, once all of them were read. */
  private async objectsOf({ kinds, at }: ObjectsRequest, token: CancellationToken): Promise<ObjectsReply> {
    const { workspace } = this;
    while (!token.isCancellationRequested && workspace.isHeld) await new Promise((resolve) => setTimeout(resolve, 20));
    const found = at && findObjectAt(workspace.findFile(canonicalUri(at.uri)), at.line);
    return { objects: listObjects(workspace.definedResources(), kinds), ...(found && { at: found }) };
  }

  private followCluster(): void {
    let pieces: PlainObject[] = [];
    this.connection.onNotification(clusterPieceNotification, ({ resources, isFirst }: ClusterPiece) => {
      pieces = [...(isFirst ? [] : pieces), ...parseObjects(resources)];
    });
    this.connection.onNotification(clusterNotification, (value: unknown) => {
      const last = parseClusterSnapshot(value);
      const snapshot = last && { ...last, resources: [...pieces, ...last.resources] };
      pieces = [];
      if (snapshot?.namesOnly) this.workspace.setNames(snapshot);
      else this.workspace.setCluster(snapshot);
      this.publisher.publishSoon();
    });
    this.connection.onNotification(clusterChangeNotification, (value: unknown) => {
      this.workspace.changeCluster(parseClusterChange(value));
      this.publisher.publishSoon();
    });
  }

  private followAge(): void {
    this.connection.onNotification(clusterSeenNotification, (value: unknown) => {
      this.clusterSeen = typeof value === 'number' ? value : undefined;
    });
  }

  private initialize(params: InitializeParams): InitializeResult {
    const options = (params.initializationOptions ?? {}) as LanguageServerOptions;
    if (options.strings) l10n.config({ contents: options.strings });
    this.canWatch = params.capabilities.workspace?.didChangeWatchedFiles?.dynamicRegistration ?? false;
    this.canChangeFolders = params.capabilities.workspace?.workspaceFolders ?? false;
    this.canRefreshLenses = params.capabilities.workspace?.codeLens?.refreshSupport ?? false;
    const folders = params.workspaceFolders ?? (params.rootUri ? [{ uri: params.rootUri }] : []);
    this.folders.set(folders.map(({ uri }) => uri));
    this.applySettings(readSettings(options.settings));
    return {
      serverInfo: { name: 'meshloom' },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
        codeActionProvider: { codeActionKinds: ['quickfix'] },
        codeLensProvider: {},
        hoverProvider: true,
        completionProvider: { triggerCharacters: [' ', '/', '.', '{', '[', ','] },
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
    };
  }

  private initialized(): void {
    if (this.canWatch) {
      const watchers = [
        { globPattern: '**/*.{yaml,yml,json}' },
        // A folder that is moved or deleted with all that is in it is one change, by its own name.
        { globPattern: '**/*', kind: WatchKind.Create | WatchKind.Delete },
      ];
      this.connection.client
        .register(DidChangeWatchedFilesNotification.type, { watchers })
        .catch((error: unknown) => this.log(error));
    }
    if (this.canChangeFolders) this.followFolders();
    void this.reader.readAll();
  }

  /** Asking for this of an editor that knows one folder only would fail. */
  private followFolders(): void {
    this.connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
      this.folders.change(
        added.map(({ uri }) => uri),
        removed.map(({ uri }) => uri),
      );
      void this.reader.readAll();
    });
  }

  private configure(settings: unknown): void {
    const before = this.settings;
    this.applySettings(readSettings(settings));
    if (JSON.stringify(before.exclude) !== JSON.stringify(this.settings.exclude)) void this.reader.readAll();
    if (before.codeLens !== this.settings.codeLens && this.canRefreshLenses) {
      this.connection.sendRequest('workspace/codeLens/refresh').catch((error: unknown) => this.log(error));
    }
    this.publisher.publishSoon();
  }

  private applySettings(settings: LanguageServerSettings): void {
    const { strictness = 'lenient', exclude = [] } = settings;
    if (strictness !== (this.settings.strictness ?? 'lenient')) this.workspace.configure({ strictness });
    this.settings = settings;
    this.folders.exclude(exclude);
  }

  private watchedFilesChanged(changes: readonly FileEvent[]): void {
    const files = changes.filter(({ uri }) => manifestFile.test(uri));
    const others = changes.filter(({ uri }) => !manifestFile.test(uri));
    for (const { uri, type } of files) void this.reader.fileChanged(canonicalUri(uri), type === FileChangeType.Deleted);
    const deleted = others.filter(({ type }) => type === FileChangeType.Deleted);
    if (deleted.length > 0) this.reader.foldersDeleted(new Set(deleted.map(({ uri }) => canonicalUri(uri))));
    for (const { uri, type } of others)
      if (type === FileChangeType.Created) void this.reader.folderCreated(canonicalUri(uri));
  }

  private setText(clientUri: string, text: string): void {
    const uri = canonicalUri(clientUri);
    this.clientUris.set(uri, clientUri);
    const shown = clusterShown(clientUri);
    if (shown !== undefined) this.workspace.setView(uri, text, shown);
    else if (this.folders.leavesOut(uri)) this.workspace.removeFile(uri);
    else this.workspace.setFile(uri, text);
    this.publisher.publishSoon();
  }

  private isOpen(uri: string): boolean {
    return this.documents.get(this.clientUri(uri)) !== undefined;
  }

  private readonly clientUri = (uri: string): string => this.clientUris.get(uri) ?? uri;

  private log(error: unknown): void {
    this.connection.console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

/** The cluster of which a document shows an object, as {@link viewAuthority} writes it; undefined for any other document. */
function clusterShown(uri: string): string | undefined {
  return uri.startsWith(`${yamlScheme}://`) ? uri.slice(yamlScheme.length + 3).split('/')[0] : undefined;
}
