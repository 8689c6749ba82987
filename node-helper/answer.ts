/** One request in, one reply out: text on both sides, as it goes over the wire. Never throws. */
import {
  nodeHelperProtocol,
  type NodeHelperReply,
  type NodeHelperRequest,
  parseNodeHelperRequest,
  type ResultOf,
} from '../contract/node-helper.ts';
import { asAnswer } from './failure.ts';
import { hello } from './hello.ts';
import type { Host } from './host.ts';
import { inspectPod } from './inspect-pod.ts';
import { inspectPods } from './inspect-pods.ts';
import { readCni } from './read-cni.ts';
import { readNodeRules } from './read-node-rules.ts';

/** @param text the request as it came. */
export async function answerRequest(host: Host, text: string): Promise<NodeHelperReply> {
  const request = parseNodeHelperRequest(text);
  const frame = { protocol: nodeHelperProtocol, helper: host.identity };
  if (!('verb' in request)) return { ...frame, ok: false, error: request };
  try {
    return { ...frame, ok: true, result: await perform(host, request) };
  } catch (error) {
    return { ...frame, ok: false, error: asAnswer(error) };
  }
}

async function perform(host: Host, request: NodeHelperRequest): Promise<ResultOf[keyof ResultOf]> {
  switch (request.verb) {
    case 'hello':
      return hello(host);
    case 'inspect-pod':
      return inspectPod(host, request.pod);
    case 'inspect-pods':
      return inspectPods(host, request);
    case 'read-cni':
      return readCni(host, request);
    case 'read-node-rules':
      return readNodeRules(host, request);
    case 'read-agent':
      return (await import('./agent/read-agent.ts')).readAgent(host);
    case 'cni':
      return (await import('./cni/answer-cni.ts')).answerCni(host, request);
  }
}
