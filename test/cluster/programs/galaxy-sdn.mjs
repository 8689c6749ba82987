// A plugin of Galaxy's age: it speaks CNI 0.1.0 and 0.2.0 alone, and refuses the rest as the library `skel` does. The
// work is Debian's `bridge` with `host-local`. Its first line, `#!` and a Node, is added when it is put on the node.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const supportedVersions = ['0.1.0', '0.2.0'];
const { CNI_COMMAND, CNI_PATH } = process.env;

/** skel prints the error to standard output and ends with 1. */
function fail(code, msg, details) {
  console.log(JSON.stringify({ cniVersion: '0.2.0', code, msg, details }, null, 4));
  process.exit(1);
}

if (CNI_COMMAND === 'VERSION') {
  console.log(JSON.stringify({ cniVersion: '0.2.0', supportedVersions }));
  process.exit(0);
}
const { cniVersion: asked, name } = JSON.parse(readFileSync(0, 'utf8'));
// The runtime hands a version on that is not there as an empty one.
const cniVersion = asked || '0.1.0';
if (!supportedVersions.includes(cniVersion)) {
  const spoken = supportedVersions.map((version) => `"${version}"`).join(' ');
  fail(1, 'incompatible CNI versions', `config is "${cniVersion}", plugin supports [${spoken}]`);
}
if (CNI_COMMAND !== 'ADD' && CNI_COMMAND !== 'DEL') fail(4, `unknown CNI_COMMAND: ${CNI_COMMAND}`, '');
const config = {
  ...{ cniVersion: '0.2.0', name, type: 'bridge', bridge: 'galaxy0' },
  ...{ isGateway: true, ipMasq: true, hairpinMode: true },
  ipam: { type: 'host-local', subnet: '10.244.0.0/24', routes: [{ dst: '0.0.0.0/0' }] },
};
const bridge = spawnSync(join(CNI_PATH.split(':')[0], 'bridge'), { input: JSON.stringify(config), encoding: 'utf8' });
process.stderr.write(bridge.stderr);
process.stdout.write(bridge.stdout);
process.exit(bridge.status ?? 1);
