/** The runtime asked for sandboxes as the kubelet asks it, over its socket (gRPC): for tests that measure one step alone. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { readMessage, textOf } from '../../node-helper/runtime/protobuf.ts';
import { containerdSocket, metricsPort } from './node-files.ts';
import type { NodeSpace } from './node-space.ts';

export interface Sandbox {
  name: string;
  namespace: string;
  uid: string;
  annotations?: Record<string, string>;
}

const patience = 60_000;

export class CriClient {
  readonly #session: ClientHttp2Session;
  readonly #cgroup: string;

  /** The node’s socket, seen from this machine. */
  constructor(space: NodeSpace) {
    this.#cgroup = space.cgroup;
    const path = `/proc/${space.init}/root${containerdSocket}`;
    this.#session = connectHttp2('http://localhost', { createConnection: () => connect(path) });
    this.#session.on('error', () => undefined);
  }

  /** @returns its id, once it has its network. @throws with what the runtime says. */
  async run({ name, namespace, uid, annotations = {} }: Sandbox): Promise<string> {
    const metadata = [text(1, name), text(2, uid), text(3, namespace)];
    const labels = {
      'io.kubernetes.pod.name': name,
      'io.kubernetes.pod.namespace': namespace,
      'io.kubernetes.pod.uid': uid,
    };
    const config = [
      field(1, metadata),
      text(2, name),
      ...entries(6, labels),
      ...entries(7, annotations),
      // Beside the kubelet’s pods, below the same root.
      field(8, [text(1, `${this.#cgroup}/sandboxes/${uid}`)]),
    ];
    return textOf(readMessage(await this.#call('RunPodSandbox', [field(1, config)])), 1);
  }

  async remove(id: string): Promise<void> {
    await this.#call('StopPodSandbox', [text(1, id)]);
    await this.#call('RemovePodSandbox', [text(1, id)]);
  }

  close(): void {
    this.#session.destroy();
  }

  #call(method: string, fields: Buffer[]): Promise<Buffer> {
    const message = Buffer.concat(fields);
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(message.length, 1);
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        ...{ ':method': 'POST', ':path': `/runtime.v1.RuntimeService/${method}` },
        ...{ 'content-type': 'application/grpc', te: 'trailers' },
      });
      const chunks: Buffer[] = [];
      let [code, said] = ['none', ''];
      const note = (headers: Record<string, unknown>) => {
        if (typeof headers['grpc-status'] !== 'string') return;
        code = headers['grpc-status'];
        said = decodeURIComponent(String(headers['grpc-message'] ?? ''));
      };
      stream.on('response', note).on('trailers', note);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.setTimeout(patience, () => stream.destroy(new Error(`${method}: no answer`)));
      stream.on('error', reject);
      stream.on('close', () => {
        if (code === '0') resolve(Buffer.concat(chunks).subarray(5));
        else reject(new Error(`${method}: ${said} (${code})`));
      });
      stream.end(Buffer.concat([frame, message]));
    });
  }
}

function varint(value: number): Buffer {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

function field(number: number, content: Buffer[]): Buffer {
  const bytes = Buffer.concat(content);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function text(number: number, value: string): Buffer {
  return field(number, [Buffer.from(value)]);
}

function entries(number: number, map: Record<string, string>): Buffer[] {
  return Object.entries(map).map(([key, value]) => field(number, [text(1, key), text(2, value)]));
}

/** How many pods the runtime has connected, and for how many seconds it waited for the plugins meanwhile. */
export interface NetworkTimes {
  count: number;
  seconds: number;
}

/** By the runtime's own clock. */
export async function readNetworkTimes(space: NodeSpace, operation = 'set_up_pod'): Promise<NetworkTimes> {
  const metrics = await (await fetch(`http://${space.address}:${metricsPort}/v1/metrics`)).text();
  const value = (suffix: string) => {
    const name = `containerd_cri_network_plugin_operations_duration_seconds(?:_seconds)?_${suffix}`;
    return Number(new RegExp(`^${name}\\{[^}]*"${operation}"[^}]*\\} (\\S+)`, 'm').exec(metrics)?.[1] ?? 0);
  };
  return { count: value('count'), seconds: value('sum') };
}

/** Seconds for each pod between two readings. */
export function meanBetween(before: NetworkTimes, after: NetworkTimes): number {
  return (after.seconds - before.seconds) / (after.count - before.count);
}
