/**
 * As little of an agent as answers the plugin: a socket in front of `handleCall`, and pods from a file. A process of its own,
 * so that it can be killed, and so that starting programs from it costs what it costs an agent.
 *
 *     node plugin-agent.js <socket> <pods.json> [milliseconds to wait before each answer]
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { defaultAgentSettings, type PodRecord } from '../../contract/cni-plugin.ts';
import type { Pod } from '../../mesh/kubernetes.ts';
import { realHost } from '../../node-helper/host.ts';
import { handleCall } from '../../node-helper/plugin/handle-call.ts';
import { newToolbox } from '../../node-helper/plugin/toolbox.ts';
import type { PluginWorld } from '../../node-helper/plugin/types.ts';
import { warmUp } from '../../node-helper/plugin/warm-up.ts';
import { printReply, RequestReader } from '../../node-helper/plugin/wire.ts';

const [socketPath = '', podsFile = '', delay = '0'] = process.argv.slice(2);
const pods = JSON.parse(readFileSync(podsFile, 'utf8')) as Pod[];
const records = new Map<string, PodRecord>();
const say = (what: object) => void process.stdout.write(`${JSON.stringify(what)}\n`);

const world: PluginWorld = {
  host: realHost(),
  settings: defaultAgentSettings,
  findPod: ({ name }) => {
    const pod = pods.find(({ metadata }) => metadata?.name === name);
    return Promise.resolve(pod && { pod });
  },
  records: {
    put: (record) => {
      records.set(record.containerId, record);
      say({ put: record });
    },
    get: (id) => records.get(id),
    drop: (id) => {
      records.delete(id);
      say({ drop: id });
    },
    list: () => [...records.values()],
  },
  toolbox: newToolbox(),
  time: () => new Date().toISOString(),
};

warmUp();
createServer((socket) => {
  const reader = new RequestReader();
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    const call = reader.push(chunk);
    if (!call) return;
    say({ called: call.env.CNI_COMMAND });
    void handleCall(world, call).then((reply) => setTimeout(() => socket.end(printReply(reply)), Number(delay)));
  });
}).listen(socketPath, () => say({ ready: true }));
