/** What a verb of the command line may use of the world; tests hand in their own. */
export interface Terminal {
  args: string[];
  cwd: string;
  /** Whole standard input, read when asked for. */
  stdin: () => Promise<string>;
  /** The result, and nothing else. */
  out: (text: string) => void;
  /** Progress, logs, problems. */
  err: (text: string) => void;
  color: boolean;
  /** The environment's variables. Default none. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Where the built programs lie, `dist/`. */
  programs?: string;
  /** Goes on as another program of Node's, in this very process; absent where the system cannot. */
  become?: (args: string[]) => void;
  /** Of this program. */
  version?: () => string;
}

/** One verb: `meshloom iptables explain …` has the name `['iptables', 'explain']`. */
export interface Verb {
  name: string[];
  /** One line for the overview. */
  summary: string;
  /** The whole text of `--help`. */
  help: string;
  /** Resolves to the exit code. */
  run: (terminal: Terminal) => Promise<number>;
}

/** A call that cannot be understood: exit code 2, with the message and a pointer to `--help`. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
