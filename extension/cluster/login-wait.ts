/** Tells who waits for a login what it waits for, and lets him end it. */
import * as l10n from '@vscode/l10n';

/** A login that takes its time. */
export interface LoginWait {
  /** The program as the kubeconfig names it, or the issuer's URL. */
  who: string;
  /** `terminal`: a program that asks in a terminal of the editor. */
  kind: 'program' | 'terminal' | 'issuer';
  /** The context's name. */
  context: string;
  /** The last of what the program wrote for a person: a code to enter, an address to open. */
  says: string;
  /** Ends it at once; whoever waits is told that it was cancelled. */
  cancel(): void;
}

/** Told when a login has taken a while, again when it says more, and with `undefined` at its end. */
export type OnLogin = (wait: LoginWait | undefined) => void;

/** What is waited for, and what a person may have to do. */
export function describeLogin({ kind, who, context }: Pick<LoginWait, 'kind' | 'who' | 'context'>): string {
  if (kind === 'issuer') return l10n.t('The issuer {0} has not answered yet about the login to “{1}”.', who, context);
  return kind === 'terminal'
    ? l10n.t('“{0}” logs in to “{1}” and asks you in its terminal.', who, context)
    : l10n.t('“{0}” logs in to “{1}”: a window of its own or the browser may be asking you something.', who, context);
}

/** Most logins need no person and are over by then, in milliseconds. */
export const quietMs = 5_000;
const mostSaid = 1_000;

/**
 * @param work is told by its signal that somebody ended it, and tells by `says` what it has to say to a person.
 * @returns what `work` returns.
 * @throws what `work` throws, or what `whenCancelled` makes.
 */
export async function tellOfWait<T>(
  about: Pick<LoginWait, 'who' | 'kind' | 'context'>,
  onLogin: OnLogin | undefined,
  whenCancelled: () => Error,
  work: (signal: AbortSignal, says: (text: string) => void) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  let [said, isTold] = ['', false];
  const tell = () => {
    isTold = true;
    onLogin?.({ ...about, says: said.trim(), cancel: () => stop.abort() });
  };
  const timer = setTimeout(tell, quietMs);
  const cancelled = new Promise<never>((_resolve, reject) => {
    stop.signal.addEventListener('abort', () => reject(whenCancelled()), { once: true });
  });
  const hear = (text: string) => {
    said = (said + text).slice(-mostSaid);
    if (isTold) tell();
  };
  try {
    return await Promise.race([work(stop.signal, hear), cancelled]);
  } finally {
    clearTimeout(timer);
    if (isTold) onLogin?.(undefined);
  }
}
