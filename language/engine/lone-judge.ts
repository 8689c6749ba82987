import type { MeshSettings } from '../mesh-config.ts';
import { parse } from '../parse.ts';
import { findPodSource } from '../resource.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { rules as allRules } from '../rules/index.ts';
import { reportsOf } from './report.ts';
import type { Found, Report } from './report.ts';
import { askAlone, sortRules } from './rule-sets.ts';
import type { OnRuleFailure } from './rule-sets.ts';

export interface LoneJudgeOptions {
  strictness?: 'strict' | 'lenient';
  defaultNamespace?: string;
  clusterDomain?: string;
  rootNamespace?: string;
  meshConfig?: MeshSettings;
  onRuleFailure?: OnRuleFailure;
  rules?: readonly Rule[];
}

/**
 * Asks the rules that look at one resource alone, file by file, and keeps nothing: half of an analysis that a second thread
 * can do, with the same settings as the workspace of the first one.
 */
export class LoneJudge {
  private readonly options: LoneJudgeOptions;
  private readonly rules: ReturnType<typeof sortRules>['alone'];
  private readonly context: RuleContext;

  constructor(options: LoneJudgeOptions) {
    this.options = options;
    this.rules = sortRules(options.rules ?? allRules).alone;
    const { strictness = 'lenient', clusterDomain = 'cluster.local', meshConfig } = options;
    this.context = {
      strictness,
      clusterDomain,
      rootNamespace: options.rootNamespace ?? meshConfig?.rootNamespace ?? 'istio-system',
      meshConfig,
      // These rules look at no other resource, so they miss none.
      knowsAll: () => false,
      mayBeHidden: () => true,
    };
  }

  /** @returns what these rules say of the resources in a file, in no order; nothing of the text itself. */
  judge(uri: string, text: string): Report[] {
    const { defaultNamespace, onRuleFailure } = this.options;
    const file = parse(text, uri, defaultNamespace === undefined ? {} : { defaultNamespace });
    const found: Found[] = [];
    for (const resource of file.documents.flatMap(({ resources }) => resources)) {
      const rules = this.rules.get(resource.kind) ?? [];
      askAlone(rules, resource, findPodSource(resource), this.context, onRuleFailure ?? (() => undefined), found);
    }
    return reportsOf(file, found);
  }
}
