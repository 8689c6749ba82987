/** The door to the analysis, and the only one for other rooms: text in, findings out. */
export type { Finding, QuickFix, Severity, TextEdit } from './finding.ts';
export type { Position, Range } from './located.ts';
export { Located } from './located.ts';
export { compileGlob, isGlob } from './glob.ts';
export { findKind } from './kinds.ts';
export { listFiles, manifestFile } from './list-manifests.ts';
export { parseMeshSettings } from './mesh-config.ts';
export type { Kind } from './kinds.ts';
export { largestFile, parse, whyNotRead } from './parse.ts';
export type { ParsedDocument, ParsedFile, SkipReason } from './parse.ts';
export { findPodSource } from './resource.ts';
export type { PodSource, Resource } from './resource.ts';
export type { Rule } from './rule.ts';
export { rules } from './rules/index.ts';
export { printRulesDoc } from './rules-doc.ts';
/** Of a resource in the cluster: findings there have no file. */
export { isClusterUri } from './engine/resource-index.ts';
export type { ClusterChange, ClusterSnapshot } from '../contract/cluster-layer.ts';
export { Workspace } from './workspace.ts';
export type { Report, WorkspaceOptions } from './workspace.ts';
export { yamlRules } from './yaml-rules.ts';
/** Of a value that holds YAML itself, such as a mesh configuration in its ConfigMap. Throws on what is no YAML. */
export { parse as parseYaml } from 'yaml';
