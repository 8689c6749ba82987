import { relative, sep } from 'node:path';
import * as l10n from '@vscode/l10n';
import {
  DidChangeWatchedFilesNotification,
  FileChangeType,
  TextDocuments,
  TextDocumentSyncKind,
} from 'vscode-languageserver/node';
import type { Connection, InitializeParams, InitializeResult } from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { LanguageServerOptions, LanguageServerSettings } from '../../contract/language-server.ts';
import { listCodeActions } from '../features/code-actions.ts';
import { listCodeLenses } from '../features/code-lenses.ts';
import { toDiagnostic } from '../features/diagnostics.ts';
import { findHover } from '../features/hover.ts';
import { rules } from '../rules/index.ts';
import { Workspace } from '../workspace.ts';
import type { Report } from '../workspace.ts';
import { manifestFile } from '../list-manifests.ts';
import { compileExcludes, readManifest, scanFolder } from './scan-folder.ts';
import { canonicalUri, findPath, uriOf } from './uris.ts';

/** Until all files are read, nobody knows what is missing in the mesh: rules that compare resources wait for that. */
const meshRules = new Set(rules.filter(({ scope }) => scope === 'mesh').map(({ id }) => id));

/**
 * One editor's session. Everything that thinks is in the workspace and the features; this only carries: open documents and
 * files in, diagnostics, lenses and actions out.
 */
export class Session {
  private readonly connection: Connection;
  private readonly documents = new TextDocuments(TextDocument);
  private readonly workspace: Workspace;
  private readonly clientUris = new Map<string, string>();
  private readonly published = new Map<string, string>();
  private folders: string[] = [];
  private settings: LanguageServerSettings = {};
  private isExcluded: (path: string) => boolean = () => false;
  private scan: AbortController | undefined;
  private canWatch = false;
  private canChangeFolders = false;
  private canRefreshLenses = false;
  private publishing: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.connection = connection;
    this.workspace = new Workspace({
      onRuleFailure: ({ id }, error) =>
        connection.console.error(`rule ${id} failed: ${error instanceof Error ? error.stack : String(error)}`),
    });
    connection.onInitialize((params) => this.initialize(params));
    connection.onInitialized(() => this.initialized());
    connection.onDidChangeConfiguration(({ settings }) => this.configure(settings as unknown));
    connection.onDidChangeWatchedFiles(({ changes }) => {
      for (const { uri, type } of changes) void this.fileChanged(canonicalUri(uri), type === FileChangeType.Deleted);
    });
    connection.onCodeLens(({ textDocument }) => {
      const file = this.workspace.findFile(canonicalUri(textDocument.uri));
      return file && this.settings.codeLens !== false ? listCodeLenses(file) : [];
    });
    connection.onCodeAction(({ textDocument, range }) => {
      const document = this.documents.get(textDocument.uri);
      return document
        ? listCodeActions(this.reportsOf(textDocument.uri), range, document.getText(), this.clientUri)
        : [];
    });
    connection.onHover(({ textDocument, position }) => {
      const file = this.workspace.findFile(canonicalUri(textDocument.uri));
      return file ? findHover(file, this.reportsOf(textDocument.uri), position) : undefined;
    });
    this.documents.onDidChangeContent(({ document }) => this.setText(document.uri, document.getText()));
    this.documents.onDidClose(({ document }) => void this.fileChanged(canonicalUri(document.uri), false));
    this.documents.listen(connection);
  }

  private initialize(params: InitializeParams): InitializeResult {
    const options = (params.initializationOptions ?? {}) as LanguageServerOptions;
    if (options.strings) l10n.config({ contents: options.strings });
    this.canWatch = params.capabilities.workspace?.didChangeWatchedFiles?.dynamicRegistration ?? false;
    this.canChangeFolders = params.capabilities.workspace?.workspaceFolders ?? false;
    this.canRefreshLenses = params.capabilities.workspace?.codeLens?.refreshSupport ?? false;
    this.folders = (params.workspaceFolders ?? (params.rootUri ? [{ uri: params.rootUri }] : [])).flatMap(
      ({ uri }) => findPath(uri) ?? [],
    );
    this.applySettings(readSettings(options.settings));
    return {
      serverInfo: { name: 'meshloom' },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
        codeActionProvider: { codeActionKinds: ['quickfix'] },
        codeLensProvider: {},
        hoverProvider: true,
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
    };
  }

  private initialized(): void {
    if (this.canWatch) {
      const watchers = [{ globPattern: '**/*.{yaml,yml,json}' }];
      this.connection.client
        .register(DidChangeWatchedFilesNotification.type, { watchers })
        .catch((error: unknown) => this.log(error));
    }
    if (this.canChangeFolders) this.followFolders();
    void this.readFolders();
  }

  /** Asking for this of an editor that knows one folder only would fail. */
  private followFolders(): void {
    this.connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
      const gone = new Set(removed.map(({ uri }) => findPath(uri)));
      this.folders = [
        ...this.folders.filter((folder) => !gone.has(folder)),
        ...added.flatMap(({ uri }) => findPath(uri) ?? []),
      ];
      void this.readFolders();
    });
  }

  private configure(settings: unknown): void {
    const before = this.settings;
    this.applySettings(readSettings(settings));
    if (JSON.stringify(before.exclude) !== JSON.stringify(this.settings.exclude)) void this.readFolders();
    if (before.codeLens !== this.settings.codeLens && this.canRefreshLenses) {
      this.connection.sendRequest('workspace/codeLens/refresh').catch((error: unknown) => this.log(error));
    }
    this.publishSoon();
  }

  private applySettings(settings: LanguageServerSettings): void {
    this.settings = settings;
    this.isExcluded = compileExcludes(settings.exclude ?? []);
    this.workspace.configure({ strictness: settings.strictness ?? 'lenient' });
  }

  /** Reads all folders anew; what an earlier run had found and this one does not is forgotten. */
  private async readFolders(): Promise<void> {
    this.scan?.abort();
    const scan = (this.scan = new AbortController());
    const seen = new Set<string>();
    const started = performance.now();
    for (const folder of this.folders) {
      const onManifest = (path: string, text: string) => {
        const uri = uriOf(path);
        seen.add(uri);
        if (!this.isOpen(uri)) this.workspace.setFile(uri, text);
      };
      await scanFolder(folder, this.isExcluded, onManifest, scan.signal).catch((error: unknown) => this.log(error));
    }
    if (scan.signal.aborted) return;
    for (const uri of this.workspace.uris()) if (!seen.has(uri) && !this.isOpen(uri)) this.workspace.removeFile(uri);
    this.scan = undefined;
    this.connection.console.info(`read ${seen.size} manifests in ${Math.round(performance.now() - started)} ms`);
    this.publishSoon();
  }

  private setText(clientUri: string, text: string): void {
    const uri = canonicalUri(clientUri);
    this.clientUris.set(uri, clientUri);
    if (this.isExcludedFile(uri)) this.workspace.removeFile(uri);
    else this.workspace.setFile(uri, text);
    this.publishSoon();
  }

  /** A file changed on disk, or its editor was closed: what is on disk counts again, unless it is open. */
  private async fileChanged(uri: string, isDeleted: boolean): Promise<void> {
    if (this.isOpen(uri)) return;
    const path = findPath(uri);
    const isOurs =
      path !== undefined && manifestFile.test(path) && !this.isExcludedFile(uri) && this.folderOf(path) !== undefined;
    const text = isOurs && !isDeleted ? await readManifest(path) : undefined;
    // It may have been opened while it was read; then the editor's text is the true one.
    if (this.isOpen(uri)) return;
    if (text === undefined) this.workspace.removeFile(uri);
    else this.workspace.setFile(uri, text);
    this.publishSoon();
  }

  private isOpen(uri: string): boolean {
    return this.documents.get(this.clientUri(uri)) !== undefined;
  }

  private folderOf(path: string): string | undefined {
    return this.folders.find(
      (folder) => path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep),
    );
  }

  private isExcludedFile(uri: string): boolean {
    const path = findPath(uri);
    const folder = path === undefined ? undefined : this.folderOf(path);
    return path !== undefined && folder !== undefined && this.isExcluded(relative(folder, path).replaceAll(sep, '/'));
  }

  private readonly clientUri = (uri: string): string => this.clientUris.get(uri) ?? uri;

  private reportsOf(clientUri: string): readonly Report[] {
    return this.workspace.findingsByFile().get(canonicalUri(clientUri)) ?? [];
  }

  /** Messages that are already waiting (a burst of keys, a batch of file events) are taken in first. */
  private publishSoon(): void {
    this.publishing ??= setTimeout(() => {
      this.publishing = undefined;
      this.publish();
    });
  }

  private publish(): void {
    const byFile = this.workspace.findingsByFile();
    for (const uri of new Set([...this.published.keys(), ...byFile.keys()])) {
      const reports = (byFile.get(uri) ?? []).filter(({ rule }) => !this.scan || !meshRules.has(rule));
      const diagnostics = reports.map((report) => toDiagnostic(report, this.clientUri));
      const content = JSON.stringify(diagnostics);
      if ((this.published.get(uri) ?? '[]') === content) continue;
      if (diagnostics.length > 0) this.published.set(uri, content);
      else this.published.delete(uri);
      this.connection
        .sendDiagnostics({ uri: this.clientUri(uri), diagnostics })
        .catch((error: unknown) => this.log(error));
    }
  }

  private log(error: unknown): void {
    this.connection.console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

/** Settings as they came over the wire: another client may send none, or wrap them as it likes. */
function readSettings(value: unknown): LanguageServerSettings {
  if (typeof value !== 'object' || value === null) return {};
  const { strictness, exclude, codeLens } = value as Record<string, unknown>;
  return {
    ...(strictness === 'strict' || strictness === 'lenient' ? { strictness } : {}),
    ...(Array.isArray(exclude) ? { exclude: exclude.filter((glob) => typeof glob === 'string') } : {}),
    ...(typeof codeLens === 'boolean' ? { codeLens } : {}),
  };
}
