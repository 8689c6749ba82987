// In place of Istio's CNI plugin: it speaks every version and has nothing to do with any pod. Its first line, `#!` and
// a Node, is added when it is put on the node.
import { readFileSync } from 'node:fs';

const supportedVersions = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
const { CNI_COMMAND } = process.env;
const input = readFileSync(0, 'utf8');
if (CNI_COMMAND === 'VERSION') console.log(JSON.stringify({ cniVersion: '1.1.0', supportedVersions }));
if (CNI_COMMAND === 'ADD') console.log(JSON.stringify(JSON.parse(input).prevResult));
