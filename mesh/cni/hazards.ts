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
  | 'ML2018'
  | 'ML2019'
  | 'ML2020'
  | 'ML2021'
  | 'ML2022'
  | 'ML2023'
  | 'ML2024'
  | 'ML2025'
  | 'ML2026'
  | 'ML2027'
  | 'ML2028'
  | 'ML2029'
  | 'ML2030'
  | 'ML2031'
  | 'ML2032'
  | 'ML2033'
  | 'ML2034'
  | 'ML2035'
  | 'ML2036'
  | 'ML2037'
  | 'ML2038'
  | 'ML2039';

export interface CniHazard {
  code: CniHazardCode;
  title: string;
  /** What lies behind it. */
  why: string;
  whatToDo: string;
}

const hazards: Record<CniHazardCode, () => Omit<CniHazard, 'code'>> = {
  ML2001: () => ({
    title: l10n.t('The list asks a plugin for a version that it does not speak'),
    why: l10n.t(
      'One number rules a whole list: the runtime hands its “cniVersion” to every plugin, and a plugin that does not know it refuses to connect pods and to disconnect them. An installer that turns a single configuration into a list and forces a version on it does exactly that.',
    ),
    whatToDo: l10n.t(
      'Set the list’s “cniVersion” to one that every plugin reports, or upgrade the plugin that lags behind.',
    ),
  }),
  ML2002: () => ({
    title: l10n.t('A plugin’s program is missing'),
    why: l10n.t(
      'The runtime looks for a program of the plugin’s name in its binary directories, when a pod comes and when it goes. An upgrade, a cleaned directory or an uninstaller that ran too early takes it away.',
    ),
    whatToDo: l10n.t('Install the program into the runtime’s CNI binary directory, or take the entry out of the list.'),
  }),
  ML2003: () => ({
    title: l10n.t('A plugin could not say which versions it speaks'),
    why: l10n.t(
      'A plugin tells its versions when it is called with CNI_COMMAND=VERSION. One that hangs, crashes or prints something else will most likely do the same when a pod comes.',
    ),
    whatToDo: l10n.t('Check that the program is executable, made for this machine’s processor, and runs by itself.'),
  }),
  ML2004: () => ({
    title: l10n.t('A configuration file cannot be loaded'),
    why: l10n.t(
      'Runtimes read these files with Go’s JSON: a byte order mark, text after the value, a comment or a missing comma makes the whole file invalid. containerd then loads no network at all; CRI-O steps to the next file without a word.',
    ),
    whatToDo: l10n.t('Correct the file, or move it out of the directory; the runtime notices within seconds.'),
  }),
  ML2005: () => ({
    title: l10n.t('A file’s form does not fit its extension'),
    why: l10n.t(
      'The name alone decides how a file is read: “.conflist” is read as a list, “.conf” and “.json” as a single plugin, whatever stands in it.',
    ),
    whatToDo: l10n.t('Rename the file: “.conflist” for a list of plugins, “.conf” for a single one.'),
  }),
  ML2006: () => ({
    title: l10n.t('The same configuration stands there as .conf and as .conflist'),
    why: l10n.t(
      'An installer made a list of a single configuration and left both, or the single one was put back later. The runtime takes the first name in byte order, and “.conf” comes before “.conflist”.',
    ),
    whatToDo: l10n.t('Keep one of them. The .conf is in force: it comes first in byte order.'),
  }),
  ML2007: () => ({
    title: l10n.t('A file is shadowed by another'),
    why: l10n.t(
      'Runtimes load the first file of the directory only. Whatever stands in the others, a mesh’s plugin too, runs for no pod.',
    ),
    whatToDo: l10n.t(
      'Only the first file in byte order of the names counts. Remove the one that is not meant, or rename it to come first.',
    ),
  }),
  ML2008: () => ({
    title: l10n.t('A plugin stands twice in the list'),
    why: l10n.t(
      'Two installations of the same plugin, or an installer that did not find its own entry, added it again. The runtime runs both.',
    ),
    whatToDo: l10n.t('Remove all entries but one.'),
  }),
  ML2009: () => ({
    title: l10n.t('The list asks for a CNI version that does not exist'),
    why: l10n.t(
      'Plugins compare versions as text with a list of their own. A number that no release of the specification has is in none of these lists.',
    ),
    whatToDo: l10n.t('Use a published version that every plugin reports.'),
  }),
  ML2010: () => ({
    title: l10n.t('The network has no usable name'),
    why: l10n.t(
      'Plugins and runtime keep addresses and results under the network’s name; libraries since 0.8 refuse to work without one.',
    ),
    whatToDo: l10n.t('Give the configuration a “name”. Keep the name that was in use: addresses are leased under it.'),
  }),
  ML2011: () => ({
    title: l10n.t('There is no CNI configuration'),
    why: l10n.t(
      'Network plugins put their configuration there when they start. Without any the runtime reports its network as not ready, and the node stays NotReady.',
    ),
    whatToDo: l10n.t('Install the network plugin; if the runtime is configured to use another directory, look there.'),
  }),
  ML2012: () => ({
    title: l10n.t('A mesh was removed, but its plugin is still in the chain'),
    why: l10n.t(
      'The installer’s pod is gone, killed before it could clean up, and so is its program; but its entry stayed in the list. The runtime still calls it for every pod.',
    ),
    whatToDo: l10n.t(
      'Take its entry out of the list, then delete the pods that hang. Do not just delete the file: the other plugins need it.',
    ),
  }),
  ML2013: () => ({
    title: l10n.t('Several places configure the chain'),
    why: l10n.t(
      'A delegating plugin (Multus) calls other networks. A mesh’s plugin that is chained both there and in the list runs twice for every pod, in an order that nobody chose.',
    ),
    whatToDo: l10n.t('Chain the mesh’s plugin in exactly one place: the delegating plugin’s own network, or the list.'),
  }),
  ML2014: () => ({
    title: l10n.t('Another installer takes other plugins’ files away'),
    why: l10n.t(
      'With “cni.exclusive”, its default, Cilium renames every other configuration of the directory, again and again, so that only its own is left.',
    ),
    whatToDo: l10n.t('Set “cni.exclusive: false” in Cilium’s values, so that it leaves other configurations alone.'),
  }),
  ML2015: () => ({
    title: l10n.t('A file could not be read'),
    why: l10n.t(
      'The runtime opens the file as root. What even root cannot open is a link that leads nowhere, a directory, or on a broken disk.',
    ),
    whatToDo: l10n.t('Check its mode and where its link points to.'),
  }),
  ML2016: () => ({
    title: l10n.t('The mesh’s plugin is not the last of the chain'),
    why: l10n.t(
      'A mesh’s plugin redirects the traffic of an interface that the plugins before it have made. Before them it finds none; after it, another one may undo its rules.',
    ),
    whatToDo: l10n.t('Move its entry to the end: what runs after it may change what it has set up.'),
  }),
  ML2017: () => ({
    title: l10n.t('A mesh’s files were left behind'),
    why: l10n.t(
      'Uninstallers do not always take their credentials along. Nobody uses the file, but whoever reads it may talk to the API server.',
    ),
    whatToDo: l10n.t('Remove the file once no list names the mesh’s plugin any more.'),
  }),
  ML2018: () => ({
    title: l10n.t('A plugin’s name is not a program’s name'),
    why: l10n.t(
      'The runtime refuses a type with a slash in it, so that no configuration can start any program of the node.',
    ),
    whatToDo: l10n.t('Name only the program in “type”; directories belong into the runtime’s configuration.'),
  }),
  ML2019: () => ({
    title: l10n.t('A plugin’s program cannot run on this node'),
    why: l10n.t(
      'The runtime finds the program and starts it, and the kernel refuses: it has no executable bit, is made for another processor, is no program at all, or lies on a file system that is mounted with “noexec”.',
    ),
    whatToDo: l10n.t(
      'Install the plugin’s release for this machine’s processor, make it executable, and keep it on a file system without “noexec”.',
    ),
  }),
  ML2020: () => ({
    title: l10n.t('A plugin’s credential is missing or has expired'),
    why: l10n.t(
      'The plugin talks to the API server with a kubeconfig that its own pod writes and renews. A reboot empties /var/run, and a token that nobody renews expires; from then on the plugin fails for every pod, the one that would renew it included.',
    ),
    whatToDo: l10n.t(
      'Start the plugin’s own pod on this node again: it writes the credential anew. If that pod cannot start either, take the entry out of the list first.',
    ),
  }),
  ML2021: () => ({
    title: l10n.t('Two meshes redirect the traffic of every pod'),
    why: l10n.t(
      'Each mesh’s plugin writes redirect rules into the pod’s network namespace. With two of them in one chain, whichever rules come first win, and both are responsible.',
    ),
    whatToDo: l10n.t(
      'Leave one mesh’s plugin in the chain and take the other out; exclude the namespaces of the one from the other before.',
    ),
  }),
  ML2022: () => ({
    title: l10n.t('A stand-alone configuration of a mesh is in force'),
    why: l10n.t(
      'A stand-alone configuration holds the mesh’s plugin alone and is meant to be called by Multus or Galaxy. It makes no interface: as the file in force it leaves every pod without a network.',
    ),
    whatToDo: l10n.t(
      'Put the network’s own configuration back, or rename the stand-alone file so that it comes last (“99-…”).',
    ),
  }),
  ML2023: () => ({
    title: l10n.t('The network was renamed while addresses are in use'),
    why: l10n.t(
      'Addresses are leased under the network’s name. Under a new name the same subnet is handed out from its beginning, addresses in use included, and those of the old name are never given back.',
    ),
    whatToDo: l10n.t(
      'Give the network its old name back. If pods were started under the new one, delete those that share an address.',
    ),
  }),
  ML2024: () => ({
    title: l10n.t('The runtime could not load its configuration'),
    why: l10n.t(
      'The runtime tells that its last reading of the directory failed. The files look right now: they were changed since in a way that it does not notice, or it refuses something that only it knows.',
    ),
    whatToDo: l10n.t(
      'Read what it says. Write the file again in its place (a temporary file in the same directory, then a rename) so that it reads once more; else restart the runtime.',
    ),
  }),
  ML2025: () => ({
    title: l10n.t('The runtime has not noticed the file’s change'),
    why: l10n.t(
      'A runtime that watches its directory (containerd does) sees writes and renames inside of it. A file that was moved or linked in from elsewhere, or whose mode alone changed, goes unnoticed until something else happens there.',
    ),
    whatToDo: l10n.t(
      'Write the file again in its place: a temporary file in the same directory, then a rename. The runtime then reads the directory once more.',
    ),
  }),
  ML2026: () => ({
    title: l10n.t('An installer writes into directories that the runtime does not read'),
    why: l10n.t(
      'An installer writes where its DaemonSet mounts the host’s directories. Where the runtime looks elsewhere (k3s, MicroK8s, GKE and OpenShift do), nothing of it ever takes effect.',
    ),
    whatToDo: l10n.t(
      'Set the directories in the installer’s values (Istio: “cni.cniConfDir”, “cni.cniBinDir”, or its platform profile) to those of the runtime.',
    ),
  }),
  ML2027: () => ({
    title: l10n.t('Something rewrites the configuration again and again'),
    why: l10n.t(
      'Two programs that each put their own content back (an installer that watches the directory, and another one, or a configuration management) write in turns for ever. In between, pods start with either.',
    ),
    whatToDo: l10n.t(
      'Find the two writers (the DaemonSets that mount the directory are a good start) and let only one of them own the file.',
    ),
  }),
  ML2028: () => ({
    title: l10n.t('The list asks for a version that the runtime does not speak'),
    why: l10n.t(
      'The runtime itself reads the plugins’ results. The library in older releases does not know the newest version, so that a pod fails although every plugin has done its work.',
    ),
    whatToDo: l10n.t('Set “cniVersion” to one that the runtime and every plugin speak, or upgrade the runtime.'),
  }),
  ML2029: () => ({
    title: l10n.t('Plugins stand in a folder beside the list'),
    why: l10n.t(
      'Since CNI 1.3, libraries append every “.conf” of the folder that is named like the network to the list, unless “loadOnlyInlinedPlugins” is set; older ones ignore the folder without a word. The list alone does not show what runs.',
    ),
    whatToDo: l10n.t(
      'Check that the runtime takes the folder in as meant; else write the plugins into the list, or set “loadOnlyInlinedPlugins”.',
    ),
  }),
  ML2030: () => ({
    title: l10n.t('A network that is delegated to is not there'),
    why: l10n.t(
      'A delegating plugin calls the networks that its configuration names. One that is not found fails every pod that needs it.',
    ),
    whatToDo: l10n.t('Correct the name in the delegating plugin’s configuration, or create the network that it names.'),
  }),
  ML2031: () => ({
    title: l10n.t('The order of the files’ names is not what it seems'),
    why: l10n.t(
      'Names are compared byte by byte, not as numbers: “100-” comes before “99-”, and capital letters before small ones.',
    ),
    whatToDo: l10n.t('Use numbers of two digits and small letters, so that the names order as they read.'),
  }),
  ML2032: () => ({
    title: l10n.t('The configuration was there and is gone'),
    why: l10n.t(
      'Pods of this node were connected by a configuration that is no longer there: it was removed, or lay on a file system that a reboot emptied, and the program that writes it has not come back.',
    ),
    whatToDo: l10n.t(
      'Start the network plugin’s pod on this node again: it writes its configuration when it starts. Keep the directory on a disk.',
    ),
  }),
  ML2033: () => ({
    title: l10n.t('A plugin’s program lies in a directory that the runtime does not use'),
    why: l10n.t(
      'An installer puts its program where its DaemonSet mounts the host’s directory; the runtime looks in other directories.',
    ),
    whatToDo: l10n.t(
      'Install the program into one of the runtime’s directories, or set the installer’s binary directory to it.',
    ),
  }),
  ML2034: () => ({
    title: l10n.t('Galaxy has put its own configuration back'),
    why: l10n.t(
      'Galaxy’s DaemonSet copies its “00-galaxy.conf” into the directory whenever one of its pods starts. The single file comes before the list that an installer made of it, and the mesh’s plugin is out of force.',
    ),
    whatToDo: l10n.t(
      'Chain the mesh’s plugin in stand-alone mode (Galaxy’s “DefaultNetworks”), or take the copying out of Galaxy’s DaemonSet.',
    ),
  }),
  ML2035: () => ({
    title: l10n.t('A key stands twice in the configuration'),
    why: l10n.t(
      'Of equal keys the last one counts, without a warning. What a reader takes for the setting is then not what runs.',
    ),
    whatToDo: l10n.t('Remove one of the two.'),
  }),
  ML2036: () => ({
    title: l10n.t('The mesh’s plugin is chained and stand-alone at once, or neither'),
    why: l10n.t(
      'In stand-alone mode a delegating plugin calls the mesh’s plugin for the pods that ask for it by their networks annotation; chained, it runs for all. Both at once run it twice, and a stand-alone configuration that nobody calls never runs.',
    ),
    whatToDo: l10n.t('Choose one mode: take the plugin out of the list, or remove the stand-alone configuration.'),
  }),
  ML2037: () => ({
    title: l10n.t('The network that the runtime is told to use is not there'),
    why: l10n.t(
      'CRI-O’s “cni_default_network” names the network that it uses, wherever its file stands in the order. Until a file with that name loads, the node has no network.',
    ),
    whatToDo: l10n.t('Correct “cni_default_network” in CRI-O’s configuration, or give the network this name.'),
  }),
  ML2038: () => ({
    title: l10n.t('A plugin says that it can take no pod now'),
    why: l10n.t(
      'Since CNI 1.1 a runtime asks every plugin of the list whether it is ready (STATUS), and calls the node’s network not ready while one of them says no. The configuration itself is loaded and right.',
    ),
    whatToDo: l10n.t(
      'Look at what that plugin needs: its own pod on this node, its addresses, its credential. The node turns Ready by itself once the plugin says yes.',
    ),
  }),
  ML2039: () => ({
    title: l10n.t('A delegating plugin runs a copy of a configuration that has changed since'),
    why: l10n.t(
      'Multus’ own pod can make its configuration by itself (“--multus-conf-file=auto”): it copies the first file of the directory into its own, and from then on the copy runs. What is chained in the one does not stand in the other, until that pod starts again and copies once more.',
    ),
    whatToDo: l10n.t(
      'Bring what both need into the file that is copied, then start Multus’ pod on this node again; what stands in the copy alone is lost by that.',
    ),
  }),
};

/** Title, background and remedy of a code. */
export function describeCniHazard(code: CniHazardCode): CniHazard {
  return { code, ...hazards[code]() };
}

/** All of them, in the order of their codes. */
export function listCniHazards(): CniHazard[] {
  return (Object.keys(hazards) as CniHazardCode[]).map(describeCniHazard);
}
