/** What can be wrong with a node's CNI chain: one line per hazard, so that a code can be searched for and shown with its remedy. */
import * as l10n from '@vscode/l10n';

export type CniHazardCode =
  | 'ML2001'
  | 'ML2002'
  | 'ML2003'
  | 'ML2004'
  | 'ML2005'
  | 'ML2006'
  | 'ML2007'
  | 'ML2008'
  | 'ML2009'
  | 'ML2010'
  | 'ML2011'
  | 'ML2012'
  | 'ML2013'
  | 'ML2014'
  | 'ML2015'
  | 'ML2016'
  | 'ML2017'
  | 'ML2018';

export interface CniHazard {
  code: CniHazardCode;
  title: string;
  whatToDo: string;
}

const hazards: Record<CniHazardCode, () => Omit<CniHazard, 'code'>> = {
  ML2001: () => ({
    title: l10n.t('The list asks a plugin for a version that it does not speak'),
    whatToDo: l10n.t(
      'Set the list’s “cniVersion” to one that every plugin reports, or upgrade the plugin that lags behind.',
    ),
  }),
  ML2002: () => ({
    title: l10n.t('A plugin’s program is missing'),
    whatToDo: l10n.t('Install the program into the runtime’s CNI binary directory, or take the entry out of the list.'),
  }),
  ML2003: () => ({
    title: l10n.t('A plugin could not say which versions it speaks'),
    whatToDo: l10n.t('Check that the program is executable, made for this machine’s processor, and runs by itself.'),
  }),
  ML2004: () => ({
    title: l10n.t('A configuration file cannot be loaded'),
    whatToDo: l10n.t('Correct the file, or move it out of the directory; the runtime notices within seconds.'),
  }),
  ML2005: () => ({
    title: l10n.t('A file’s form does not fit its extension'),
    whatToDo: l10n.t('Rename the file: “.conflist” for a list of plugins, “.conf” for a single one.'),
  }),
  ML2006: () => ({
    title: l10n.t('The same configuration stands there as .conf and as .conflist'),
    whatToDo: l10n.t('Keep one of them. The .conf is in force: it comes first in byte order.'),
  }),
  ML2007: () => ({
    title: l10n.t('A file is shadowed by another'),
    whatToDo: l10n.t(
      'Only the first file in byte order of the names counts. Remove the one that is not meant, or rename it to come first.',
    ),
  }),
  ML2008: () => ({
    title: l10n.t('A plugin stands twice in the list'),
    whatToDo: l10n.t('Remove all entries but one.'),
  }),
  ML2009: () => ({
    title: l10n.t('The list asks for a CNI version that does not exist'),
    whatToDo: l10n.t('Use a published version that every plugin reports.'),
  }),
  ML2010: () => ({
    title: l10n.t('The network has no usable name'),
    whatToDo: l10n.t('Give the configuration a “name”. Keep the name that was in use: addresses are leased under it.'),
  }),
  ML2011: () => ({
    title: l10n.t('There is no CNI configuration'),
    whatToDo: l10n.t('Install the network plugin; if the runtime is configured to use another directory, look there.'),
  }),
  ML2012: () => ({
    title: l10n.t('A mesh was removed, but its plugin is still in the chain'),
    whatToDo: l10n.t(
      'Take its entry out of the list, then delete the pods that hang. Do not just delete the file: the other plugins need it.',
    ),
  }),
  ML2013: () => ({
    title: l10n.t('Several places configure the chain'),
    whatToDo: l10n.t('Chain the mesh’s plugin in exactly one place: the delegating plugin’s own network, or the list.'),
  }),
  ML2014: () => ({
    title: l10n.t('Another installer takes other plugins’ files away'),
    whatToDo: l10n.t('Set “cni.exclusive: false” in Cilium’s values, so that it leaves other configurations alone.'),
  }),
  ML2015: () => ({
    title: l10n.t('A file could not be read'),
    whatToDo: l10n.t('Check its mode and where its link points to.'),
  }),
  ML2016: () => ({
    title: l10n.t('The mesh’s plugin is not the last of the chain'),
    whatToDo: l10n.t('Move its entry to the end: what runs after it may change what it has set up.'),
  }),
  ML2017: () => ({
    title: l10n.t('A mesh’s files were left behind'),
    whatToDo: l10n.t('Remove the file once no list names the mesh’s plugin any more.'),
  }),
  ML2018: () => ({
    title: l10n.t('A plugin’s name is not a program’s name'),
    whatToDo: l10n.t('Name only the program in “type”; directories belong into the runtime’s configuration.'),
  }),
};

/** Title and remedy of a code. */
export function describeCniHazard(code: CniHazardCode): CniHazard {
  return { code, ...hazards[code]() };
}

/** All of them, in the order of their codes. */
export function listCniHazards(): CniHazard[] {
  return (Object.keys(hazards) as CniHazardCode[]).map(describeCniHazard);
}
