import type { Rule } from '../../rule.ts';
import { badAddress } from './bad-address.ts';
import { badPort } from './bad-port.ts';
import { networkWithoutAddress } from './network-without-address.ts';

/** What Istio's webhook says of one resource alone. */
export const workloadEntryRules: readonly Rule[] = [badAddress, badPort, networkWithoutAddress];
