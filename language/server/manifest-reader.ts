import { stat } from 'node:fs/promises';
import * as l10n from '@vscode/l10n';
import type { Connection } from 'vscode-languageserver';
import { manifestFile } from '../list-manifests.ts';
import type { Workspace } from '../workspace.ts';
import type { Folders } from './folders.ts';
import { readManifest, scanFolder } from './scan-folder.ts';
import { ScanProgress } from './scan-progress.ts';
import { findPath, uriOf } from './uris.ts';

interface Surroundings {
  connection: Connection;
  workspace: Workspace;
  folders: Folders;
  /** Whether an editor holds the text of a file: then the disk's does not count. */
  isOpen: (uri: string) => boolean;
  /** Something in the workspace may be otherwise now. */
  changed: () => void;
}

/** Brings the manifests that lie in the folders into the workspace, and keeps them as they are on disk. */
export class ManifestReader {
  private readonly around: Surroundings;
  private running: AbortController | undefined;

  constructor(around: Surroundings) {
    this.around = around;
  }

  /** Reads all folders anew; what an earlier run had found and this one does not is forgotten. */
  async readAll(): Promise<void> {
    const { connection, workspace, folders, changed } = this.around;
    this.running?.abort('again');
    const running = (this.running = new AbortController());
    const { signal } = running;
    const seen = new Set<string>();
    const started = performance.now();
    workspace.hold(true);
    const progress = new ScanProgress(connection, () => running.abort('stopped'));
    for (const folder of folders.all()) {
      if (signal.aborted) break;
      await this.readFolder(folder, '', signal, (uri) => {
        seen.add(uri);
        progress.read(seen.size);
      });
    }
    progress.end();
    // Another run has taken over.
    if (signal.reason === 'again') return;
    this.running = undefined;
    workspace.hold(false);
    workspace.setPartial(signal.aborted);
    if (signal.aborted) this.tellStopped(seen.size);
    else this.forgetOthers(seen);
    connection.console.info(`read ${seen.size} manifests in ${Math.round(performance.now() - started)} ms`);
    changed();
  }

  /** A file changed on disk, or its editor was closed: what is on disk counts again, unless it is open. */
  async fileChanged(uri: string, isDeleted: boolean): Promise<void> {
    const { workspace, folders, isOpen, changed } = this.around;
    if (isOpen(uri)) return;
    const path = findPath(uri);
    const isOurs = path !== undefined && manifestFile.test(path) && folders.holds(path);
    const text = isOurs && !isDeleted ? await readManifest(path) : undefined;
    // It may have been opened while it was read; then the editor's text is the true one.
    if (isOpen(uri)) return;
    if (text === undefined) workspace.removeFile(uri);
    else workspace.setFile(uri, text);
    changed();
  }

  /** Folders that are gone are told of as one change, whatever was in them. */
  foldersDeleted(uris: ReadonlySet<string>): void {
    const { workspace, isOpen, changed } = this.around;
    const gone = workspace.uris().filter((uri) => !isOpen(uri) && parentsOf(uri).some((parent) => uris.has(parent)));
    for (const uri of gone) workspace.removeFile(uri);
    if (gone.length > 0) changed();
  }

  /** A folder may have come with files in it, moved from elsewhere. */
  async folderCreated(uri: string): Promise<void> {
    const { folders, changed } = this.around;
    const path = findPath(uri);
    if (path === undefined || !folders.holds(path)) return;
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    const home = folders.folderOf(path);
    if (!isFolder || home === undefined) return;
    await this.readFolder(home, path.slice(home.length), this.running?.signal, () => undefined);
    changed();
  }

  private async readFolder(
    folder: string,
    below: string,
    signal: AbortSignal | undefined,
    onRead: (uri: string) => void,
  ): Promise<void> {
    const { connection, workspace, folders, isOpen } = this.around;
    const prefix = below.replaceAll('\\', '/').replace(/^\//, '');
    const isExcluded = (path: string) => folders.isExcluded(prefix === '' ? path : `${prefix}/${path}`);
    const onManifest = (path: string, text: string) => {
      const uri = uriOf(path);
      onRead(uri);
      if (!isOpen(uri)) workspace.setFile(uri, text);
    };
    await scanFolder(folder + below, isExcluded, onManifest, signal ?? new AbortController().signal).catch(
      (error: unknown) => connection.console.error(String(error)),
    );
  }

  private forgetOthers(seen: ReadonlySet<string>): void {
    const { workspace, isOpen } = this.around;
    for (const uri of workspace.uris()) if (!seen.has(uri) && !isOpen(uri)) workspace.removeFile(uri);
  }

  private tellStopped(manifests: number): void {
    const { connection, folders } = this.around;
    const again = { title: l10n.t('Read Them Now') };
    connection.window
      .showInformationMessage(
        l10n.t(
          'Reading was stopped after {0} manifests; the rest of {1} was not read. What is not defined in those counts as unknown, not as missing.',
          manifests,
          folders.all().join(', '),
        ),
        again,
      )
      .then(
        (chosen) => (chosen?.title === again.title ? this.readAll() : undefined),
        (error: unknown) => connection.console.error(String(error)),
      );
  }
}

/** `file:///a/b/c.yaml` lies in `file:///a/b` and `file:///a`. */
function parentsOf(uri: string): string[] {
  const parents: string[] = [];
  for (let at = uri.lastIndexOf('/'); at > 'file:///'.length; at = uri.lastIndexOf('/', at - 1))
    parents.push(uri.slice(0, at));
  return parents;
}
