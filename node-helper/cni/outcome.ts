/** How a verb ended. */
import type { CniPlan, PlanProblem } from '../../mesh/cni/cni-plan.ts';
import { emptyPlan, refuse } from '../../mesh/cni/cni-plan.ts';
import { errorCode } from '../failure.ts';
import { Refused } from './node-paths.ts';

export interface Outcome {
  plan: CniPlan;
  /** 0 done or nothing to do, 2 refused and nothing changed, 1 it failed on the way. */
  exit: 0 | 1 | 2;
}

/** A refusal before anything could be planned. */
export function refusedOutright(error: Refused): Outcome {
  return { plan: refuse(emptyPlan([], []), problemOf(error)), exit: 2 };
}

export function problemOf(error: unknown): PlanProblem {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Refused) return { severity: 'error', code: error.code, message };
  return { severity: 'error', code: errorCode(error), message: `${reasonOf(errorCode(error))}${message}` };
}

export function warningOf(error: unknown): PlanProblem {
  return { ...problemOf(error), severity: 'warning' };
}

function reasonOf(code: string): string {
  switch (code) {
    case 'EROFS':
      return 'The file system is read-only; mount it writable or run on the node itself: ';
    case 'ENOSPC':
    case 'EDQUOT':
      return 'There is no space left; make room, then run again: ';
    case 'EACCES':
    case 'EPERM':
      return 'Permission denied; run as root, and check that nothing protects the directory: ';
    default:
      return '';
  }
}
