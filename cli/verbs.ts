import { analyze } from './analyze.ts';
import { cniInstall, cniPlan, cniRepair, cniUninstall } from './cni.ts';
import { injectExplain } from './inject-explain.ts';
import { iptablesDrift } from './iptables-drift.ts';
import { iptablesExpected } from './iptables-expected.ts';
import { iptablesExplain } from './iptables-explain.ts';
import { iptablesService } from './iptables-service.ts';
import { iptablesTrace } from './iptables-trace.ts';
import type { Verb } from './verb.ts';

/** Every verb, in the order of the overview. */
export const verbs: readonly Verb[] = [
  analyze,
  injectExplain,
  iptablesExplain,
  iptablesTrace,
  iptablesExpected,
  iptablesDrift,
  iptablesService,
  cniPlan,
  cniInstall,
  cniUninstall,
  cniRepair,
];
