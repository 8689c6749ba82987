import type { Rule } from '../../rule.ts';
import { alwaysWarned } from './always-warned.ts';
import { badFilterMatch } from './bad-filter-match.ts';
import { badProxyVersion } from './bad-proxy-version.ts';
import { badTypedConfig } from './bad-typed-config.ts';
import { deprecatedFilterName } from './deprecated-filter-name.ts';
import { incompletePatch } from './incomplete-patch.ts';
import { ineffectiveFilterMatch } from './ineffective-filter-match.ts';
import { matchUnlikeApplyTo } from './match-unlike-apply-to.ts';
import { missingTypedConfig } from './missing-typed-config.ts';
import { selectorAndTargets } from './selector-and-targets.ts';
import { wrongValueType } from './wrong-value-type.ts';

/** What Istio's webhook says of one resource alone. */
export const envoyFilterRules: readonly Rule[] = [
  alwaysWarned,
  badFilterMatch,
  badProxyVersion,
  badTypedConfig,
  deprecatedFilterName,
  incompletePatch,
  ineffectiveFilterMatch,
  matchUnlikeApplyTo,
  missingTypedConfig,
  selectorAndTargets,
  wrongValueType,
];
