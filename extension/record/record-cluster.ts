/** *Record Cluster* in the editor: what to record, the reading with its progress, what will be written and where, then the file. */
import * as vscode from 'vscode';
import type { App } from '../app.ts';
import { resourceTypes, type Cluster } from '../cluster/cluster.ts';
import type { RecordTarget } from '../commands/record-cluster.ts';
import { commandIds } from '../ids.ts';
import { showReadonly } from '../node-helper/preview-document.ts';
import { withAbortableProgress } from '../node-helper/with-progress.ts';
import { anonymizeInTurns } from './anonymize.ts';
import { collectRecording } from './collect-recording.ts';
import { describeRecording } from './describe-recording.ts';
import { printRecordingFile, type RecordingFile } from './recording-file.ts';
import { pick } from '../pick.ts';

/** @returns the file that was written; undefined when the person changed their mind. */
export async function recordCluster(app: App, cluster: Cluster, target: RecordTarget): Promise<vscode.Uri | undefined> {
  const namespace = target.namespace ?? (await pickScope(cluster));
  if (namespace === undefined) return undefined;
  const isAnonymous = target.anonymize ?? (await pickAnonymity());
  if (isAnonymous === undefined) return undefined;
  const { recording, masked } = await read(app, cluster, namespace);
  const written = isAnonymous ? await rename(recording) : recording;
  const name = fileName(written);
  const file = target.file === undefined ? await pickFile(name) : vscode.Uri.file(target.file);
  if (!file) return undefined;
  const bytes = await printRecordingFile(written, file.path);
  if (target.file === undefined && !(await agree(app, { recording: written, masked, file, size: bytes.length })))
    return undefined;
  await vscode.workspace.fs.writeFile(file, bytes);
  app.log.info(`recorded ${cluster.context.name}: ${written.resources.length} objects in ${file.fsPath}`);
  if (target.file === undefined) void offerReplay(file, written);
  return file;
}

async function read(app: App, cluster: Cluster, namespace: string) {
  const { version } = app.context.extension.packageJSON as { version: string };
  const title = vscode.l10n.t('Recording cluster {0}', cluster.context.name);
  return await withAbortableProgress(title, async (progress, signal) => {
    let before = 0;
    return await collectRecording(cluster, {
      signal,
      writtenBy: `meshloom ${version}`,
      now: new Date(),
      ...(namespace !== '' && { namespace }),
      onProgress(message, share) {
        progress.report({ message, increment: (share - before) * 100 });
        before = share;
      },
    });
  });
}

async function rename(recording: RecordingFile): Promise<RecordingFile> {
  const title = vscode.l10n.t('Giving everything in the recording another name');
  return await withAbortableProgress(title, async (progress, signal) => {
    let before = 0;
    const onProgress = (share: number) => {
      progress.report({ increment: (share - before) * 100 });
      before = share;
    };
    return (await anonymizeInTurns(recording, { signal, onProgress })).recording;
  });
}

/** @returns the namespace, empty for all of them; undefined: Escape. */
async function pickScope(cluster: Cluster): Promise<string | undefined> {
  const all = { label: vscode.l10n.t('All namespaces'), description: cluster.context.name, namespace: '' };
  const items = cluster.list(resourceTypes.namespaces).then(
    ({ items: namespaces }) => [
      all,
      ...namespaces
        .map(({ metadata }) => metadata?.name ?? '')
        .sort()
        .map((name) => ({ label: name, description: '', namespace: name })),
    ],
    // Without the right to list them, the context's own can still be recorded.
    () => {
      const own = cluster.context.namespace ?? 'default';
      return [{ label: own, description: '', namespace: own }, all];
    },
  );
  const picked = await pick(items, {
    title: vscode.l10n.t('Record Cluster {0} (1/2)', cluster.context.name),
    placeHolder: vscode.l10n.t('What to record; nothing on the cluster is changed'),
  });
  return picked?.namespace;
}

async function pickAnonymity(): Promise<boolean | undefined> {
  const picked = await pick(
    [
      {
        label: vscode.l10n.t('Other names for everything'),
        detail: vscode.l10n.t(
          'Namespaces, names, hosts, images, addresses and nodes are renamed, the same everywhere. Good for bug reports.',
        ),
        isAnonymous: true,
      },
      {
        label: vscode.l10n.t('The names as they are'),
        detail: vscode.l10n.t('For yourself or your team. Secrets, tokens and passwords are left out in either case.'),
        isAnonymous: false,
      },
    ],
    {
      title: vscode.l10n.t('Record Cluster (2/2)'),
      placeHolder: vscode.l10n.t('Whether the recording shows what things are called'),
    },
  );
  return picked?.isAnonymous;
}

function fileName({ cluster, anonymized, recordedAt, scope }: RecordingFile): string {
  const words = [
    anonymized ? 'cluster' : cluster.name,
    anonymized ? '' : (scope.namespace ?? ''),
    recordedAt.slice(0, 10),
  ];
  return `${words
    .filter(Boolean)
    .join('-')
    .replace(/[^\w.-]+/g, '-')}.json.gz`;
}

async function pickFile(name: string): Promise<vscode.Uri | undefined> {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  return await vscode.window.showSaveDialog({
    title: vscode.l10n.t('Save Recording'),
    ...(folder && { defaultUri: vscode.Uri.joinPath(folder.uri, name) }),
    filters: { [vscode.l10n.t('Recordings')]: ['json.gz', 'gz', 'json'], [vscode.l10n.t('All files')]: ['*'] },
  });
}

interface Proposal {
  recording: RecordingFile;
  masked: number;
  file: vscode.Uri;
  size: number;
}

/** Shows what will be written where, and asks. */
async function agree(app: App, { recording, masked, file, size }: Proposal): Promise<boolean> {
  const text = describeRecording(recording, { masked, file: file.fsPath, size });
  await showReadonly(app.context, 'meshloom-recording.md', text, { keep: true });
  const write = vscode.l10n.t('Write File');
  const picked = await vscode.window.showWarningMessage(
    vscode.l10n.t('Write this recording to {0}?', file.fsPath),
    {
      modal: true,
      detail: vscode.l10n.t(
        'The open document lists what it holds. Look through the file before you give it to others: names in free text that Meshloom does not know are not renamed.',
      ),
    },
    write,
  );
  return picked === write;
}

async function offerReplay(file: vscode.Uri, { resources }: RecordingFile): Promise<void> {
  const open = vscode.l10n.t('Replay');
  const picked = await vscode.window.showInformationMessage(
    vscode.l10n.t('Recorded {0} objects in {1}.', resources.length, file.fsPath),
    open,
  );
  if (picked === open) await vscode.commands.executeCommand(commandIds.openRecording, file.fsPath);
}
