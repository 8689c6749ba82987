/**
 * Questions to a container runtime over its Unix socket: CRI's `Status` and `Version` (gRPC), and CRI-O's own `/config`.
 * Nothing else is ever asked: the socket could do anything to the node.
 */
import { request } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import { flagOf, messagesOf, readMessage, textOf } from './protobuf.ts';

/** What a runtime says of itself. */
export interface RuntimeStatus {
  /** `containerd`, `cri-o`, `docker`. */
  name: string;
  version: string;
  /** Whether it has a network, and if not why. */
  network?: { ready: boolean; message: string };
  /** JSON or plain text by key: `config`, `cniconfig`, `lastCNILoadStatus`. */
  info: Record<string, string>;
}

/** How a runtime is asked; tests have their own. Both reject with the reason in words. */
export interface RuntimeSocket {
  status: (path: string) => Promise<RuntimeStatus>;
  /** CRI-O's effective configuration as TOML. */
  crioConfig: (path: string) => Promise<string>;
}

/** Milliseconds for everything that is asked of one socket. */
const patience = 2_000;
const largestAnswer = 4 * 1024 * 1024;

export const realRuntimeSocket: RuntimeSocket = { status: askStatus, crioConfig: askCrioConfig };

/** `Version` and the verbose `Status` on one connection; a runtime from before CRI v1 is asked in v1alpha2. */
async function askStatus(path: string): Promise<RuntimeStatus> {
  // Not at the top: the agent never asks, and would carry it in its memory all the same.
  const { connect: connectHttp2 } = await import('node:http2');
  const session = connectHttp2('http://localhost', { createConnection: () => connect(path) });
  const failed = new Promise<never>((_, reject) => {
    session.once('error', (error: NodeJS.ErrnoException) => reject(new Error(inWords(error))));
    session.once('close', () => reject(new Error('it closed the connection')));
    session.setTimeout(0);
  });
  failed.catch(() => undefined);
  // Whatever comes after the answer must not end the program.
  session.on('error', () => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it gave no answer within ${patience / 1000} seconds`)), patience);
  });
  try {
    return await Promise.race([statusOver(session), failed, late]);
  } finally {
    clearTimeout(timer);
    session.destroy();
  }
}

async function statusOver(session: ClientHttp2Session): Promise<RuntimeStatus> {
  const [version, verbose] = [Buffer.from([0x0a, 0x00]), Buffer.from([0x08, 0x01])];
  let service = 'runtime.v1.RuntimeService';
  const said = await call(session, `/${service}/Version`, version).catch((error: unknown) => {
    if (!(error instanceof Unimplemented)) throw error;
    service = 'runtime.v1alpha2.RuntimeService';
    return call(session, `/${service}/Version`, version);
  });
  const names = readMessage(said);
  const answer = readMessage(await call(session, `/${service}/Status`, verbose));
  const conditions = messagesOf(answer, 1).flatMap((status) => messagesOf(status, 1));
  const network = conditions.find((condition) => textOf(condition, 1) === 'NetworkReady');
  return {
    name: textOf(names, 2),
    version: textOf(names, 3),
    ...(network && { network: { ready: flagOf(network, 2), message: textOf(network, 4) || textOf(network, 3) } }),
    info: Object.fromEntries(messagesOf(answer, 2).map((entry) => [textOf(entry, 1), textOf(entry, 2)])),
  };
}

class Unimplemented extends Error {
  override readonly name = 'Unimplemented';
}

/** One gRPC call with one message each way. @returns the answer's message. */
function call(session: ClientHttp2Session, path: string, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': `${patience}m`,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    let status: { code?: string; message: string } = { message: '' };
    const note = (headers: Record<string, unknown>) => {
      if (typeof headers['grpc-status'] !== 'string') return;
      status = { code: headers['grpc-status'], message: percentDecoded(headers['grpc-message']) };
    };
    stream.on('response', note);
    stream.on('trailers', note);
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > largestAnswer) stream.destroy(new Error('its answer is larger than 4 MB'));
      else chunks.push(chunk);
    });
    stream.once('error', reject);
    stream.once('close', () => {
      if (status.code === '12') return reject(new Unimplemented(status.message));
      if (status.code !== '0') return reject(new Error(refusal(status)));
      try {
        resolve(unframed(Buffer.concat(chunks)));
      } catch (error) {
        reject(error as Error);
      }
    });
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
  });
}

function refusal({ code, message }: { code?: string; message: string }): string {
  return code === undefined ? 'its answer is not one of a container runtime' : `it refused (code ${code}): ${message}`;
}

/** One byte for compression (we offered none), four for the length. */
function unframed(bytes: Buffer): Buffer {
  if (bytes.length < 5 || bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.length - 5)
    throw new Error('its answer is not one of a container runtime');
  return bytes.subarray(5);
}

function percentDecoded(value: unknown): string {
  const text = typeof value === 'string' ? value : '';
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** CRI-O answers plain HTTP on the same socket, as `crio status` uses it. */
function askCrioConfig(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: path, path: '/config', headers: { host: 'crio' }, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > largestAnswer) asked.destroy(new Error('its answer is larger than 4 MB'));
          else chunks.push(chunk);
        });
        response.once('error', reject);
        response.once('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
          else reject(new Error(`it answered ${response.statusCode} for its configuration`));
        });
      },
    );
    const timer = setTimeout(
      () => asked.destroy(new Error(`it gave no answer within ${patience / 1000} seconds`)),
      patience,
    );
    asked.on('error', (error: NodeJS.ErrnoException) => reject(new Error(inWords(error))));
    asked.once('close', () => clearTimeout(timer));
    asked.end();
  });
}

function inWords(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'nobody listens on it';
    case 'EACCES':
    case 'EPERM':
      return 'we may not connect to it';
    case 'ERR_HTTP2_ERROR':
      return 'what listens on it is no container runtime';
    default:
      return error.message;
  }
}
