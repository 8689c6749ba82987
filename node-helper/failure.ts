import { observeCapabilities } from '../contract/node-helper-rights.ts';
import type { NodeHelperError } from '../contract/node-helper.ts';

/** Ends the answering of a request; its `answer` is what the caller gets. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly answer: NodeHelperError;
  constructor(code: NodeHelperError['code'], message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.answer = { code, message, ...(hint && { hint }) };
  }
}

/** The `code` of a failed file access: `ENOENT`, `EACCES`, … */
export function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? 'unknown';
}

/** What `read` gives, or undefined when it fails: for things that may be gone at any moment, like a process. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

export const permissionHint =
  `The helper needs root, hostPID and the capabilities ${observeCapabilities.join(', ')}, and no AppArmor or SELinux ` +
  'profile that takes them away: deploy it again.';

/** What to tell of a failure. One that nobody foresaw is `internal`, with its own words. */
export function asAnswer(error: unknown): NodeHelperError {
  if (error instanceof Failure) return error.answer;
  return {
    code: 'internal',
    message: `The node helper failed: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'This is a fault of Meshloom: please report it with this message.',
  };
}
