/**
 * What goes over the agent's socket. The launcher is a few KB of C without a parser to speak of: one line that tells
 * lengths, then bytes. Both sides give up on the other after a while, so nothing here waits.
 *
 *     → meshloom-cni 1 4711 5 87 1203\n CNI_COMMAND=ADD\0CNI_CONTAINERID=9f…\0 {"cniVersion":"1.0.0",…}
 *     ← meshloom-cni 1 0 314\n {"cniVersion":"1.0.0","interfaces":[…]}
 *
 * 4711 is the launcher's process, 5 the descriptor in it that holds the pod's netns (-1: none).
 */
import type { CniCall, CniReply } from './types.ts';

const header = 'meshloom-cni 1';

/** More than any runtime sends; the launcher itself takes no longer configuration. */
const mostStdin = 16 * 1024 * 1024;
const mostEnv = 1024 * 1024;
const longestLine = 128;

/** What came is not what a launcher sends. */
export class NotOurs extends Error {
  override readonly name = 'NotOurs';
}

/** Puts a request together from the pieces in which it arrives. */
export class RequestReader {
  #pieces: Buffer[] = [];
  #size = 0;
  #needed = 0;

  /**
   * @returns the call once it is whole, undefined until then.
   * @throws {NotOurs} as soon as it cannot become one.
   */
  push(piece: Buffer): CniCall | undefined {
    this.#pieces.push(piece);
    this.#size += piece.length;
    // A configuration of some MiB comes in hundreds of pieces: they are joined once.
    if (this.#size < this.#needed) return undefined;
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [bytes];
    const found = takeLine(bytes, /^meshloom-cni 1 (\d+) (-1|\d+) (\d+) (\d+)$/);
    if (!found) return undefined;
    const [pid = 0, netnsFd = -1, envSize = 0, stdinSize = 0] = found.numbers;
    if (envSize > mostEnv || stdinSize > mostStdin) throw new NotOurs('The request is too long.');
    this.#needed = found.end + envSize + stdinSize;
    if (this.#size < this.#needed) return undefined;
    return {
      pid,
      netnsFd,
      env: parseEnv(bytes.toString('utf8', found.end, found.end + envSize)),
      stdin: bytes.subarray(found.end + envSize, this.#needed),
    };
  }
}

/** @returns the bytes of an answer; the connection is closed behind them. */
export function printReply({ exit, stdout }: CniReply): Buffer {
  return Buffer.concat([Buffer.from(`${header} ${exit} ${stdout.length}\n`), stdout]);
}

/** As the launcher asks, for who stands in for one. */
export function printRequest({ pid, netnsFd, env, stdin }: CniCall): Buffer {
  const block = Buffer.from(
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}\0`)
      .join(''),
  );
  return Buffer.concat([Buffer.from(`${header} ${pid} ${netnsFd} ${block.length} ${stdin.length}\n`), block, stdin]);
}

/** @returns undefined for what is no whole answer. */
export function parseReply(bytes: Buffer): CniReply | undefined {
  try {
    const found = takeLine(bytes, /^meshloom-cni 1 (\d+) (\d+)$/);
    const [exit = 1, size = 0] = found?.numbers ?? [];
    return found && bytes.length === found.end + size ? { exit, stdout: bytes.subarray(found.end) } : undefined;
  } catch {
    return undefined;
  }
}

function takeLine(bytes: Buffer, form: RegExp): { numbers: number[]; end: number } | undefined {
  const end = bytes.subarray(0, longestLine).indexOf('\n');
  if (end < 0) {
    const start = bytes.toString('latin1', 0, Math.min(bytes.length, header.length));
    if (bytes.length < longestLine && header.startsWith(start)) return undefined;
    throw new NotOurs('The first line is not that of a Meshloom plugin.');
  }
  const match = form.exec(bytes.toString('latin1', 0, end));
  if (!match) throw new NotOurs('The first line is not that of a Meshloom plugin of this version.');
  return { numbers: match.slice(1).map(Number), end: end + 1 };
}

/** `KEY=VALUE\0…`; of a name that comes twice the first counts, as for getenv. */
function parseEnv(block: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const entry of block.split('\0')) {
    const at = entry.indexOf('=');
    const name = entry.slice(0, at);
    if (at > 0 && !Object.hasOwn(env, name)) env[name] = entry.slice(at + 1);
  }
  return env;
}
