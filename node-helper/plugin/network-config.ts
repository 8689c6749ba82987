/** What the plugin takes from the network configuration that the runtime hands it, and what it prints as its result. */
import { compareCniVersions, impliedCniVersion } from '../../mesh/cni/cni-versions.ts';
import { locateJson, memberOf } from '../../mesh/cni/json-text.ts';

export interface NetworkConfig {
  version: string;
  /** The result of the plugins before us: the very bytes. */
  prevResult?: Buffer;
  /** The pod's addresses in that result, without their lengths. */
  addresses: string[];
  /** Of the pod, from the runtime's own capability; absent: it does not hand them over. */
  annotations?: Record<string, string>;
  /** Container ids that are still there; absent: this is no call for GC. */
  attachments?: Set<string>;
}

const annotationsCapability = 'io.kubernetes.cri.pod-annotations';

/** @throws an error for what is no JSON object. */
export function parseNetworkConfig(stdin: Buffer): NetworkConfig {
  const config = asRecord(JSON.parse(stdin.toString('utf8')));
  if (!config) throw new Error('The network configuration is not a JSON object.');
  const prevResult = asRecord(config.prevResult);
  const annotations = asRecord(asRecord(config.runtimeConfig)?.[annotationsCapability]);
  const attachments = config['cni.dev/valid-attachments'] ?? config['cni.dev/attachments'];
  return {
    version: typeof config.cniVersion === 'string' && config.cniVersion !== '' ? config.cniVersion : impliedCniVersion,
    ...(prevResult && { prevResult: cutOut(stdin, 'prevResult') }),
    addresses: prevResult ? addressesOf(prevResult) : [],
    ...(annotations && { annotations: textsOf(annotations) }),
    ...(Array.isArray(attachments) && {
      attachments: new Set(attachments.flatMap((each: unknown) => textOf(asRecord(each)?.containerID) ?? [])),
    }),
  };
}

/** One byte is one character in Latin-1: places in the text are places in the bytes. */
function cutOut(stdin: Buffer, key: string): Buffer {
  const node = memberOf(locateJson(stdin.toString('latin1')), key);
  if (!node) throw new Error(`unreachable: ${key} has been read`);
  return stdin.subarray(node.start, node.end);
}

/** `{"ips":[{"address":"10.88.0.7/16"}]}` since 0.3.0, `{"ip4":{"ip":"10.88.0.7/16"}}` before. */
function addressesOf(result: Record<string, unknown>): string[] {
  const ips = Array.isArray(result.ips) ? result.ips : [];
  const written = [
    ...ips.map((each: unknown) => asRecord(each)?.address),
    asRecord(result.ip4)?.ip,
    asRecord(result.ip6)?.ip,
  ];
  return written.flatMap((address) => (typeof address === 'string' ? [address.replace(/\/.*$/, '')] : []));
}

/** The result to print: that of the plugins before us, untouched; alone, that there is nothing to tell. */
export function resultOf({ version, prevResult }: NetworkConfig): Buffer {
  if (prevResult) return prevResult;
  const empty = compareCniVersions(version, '0.3.0') < 0 ? {} : { interfaces: [], ips: [], routes: [], dns: {} };
  return Buffer.from(JSON.stringify({ cniVersion: version, ...empty }));
}

function textsOf(record: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
