import { analyzeFile } from './analyze-file.ts';
import { explainInjection } from './explain-injection.ts';
import { podRules } from './pod-rules.ts';
import type { Tool } from './tool.ts';
import { tracePacket } from './trace-packet.ts';

/** Every tool, a line each; package.json's schemas are compared with this list by a test. */
export const tools = [analyzeFile, explainInjection, podRules, tracePacket] as Tool[];
