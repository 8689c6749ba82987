// What the tests use of the system, and which Debian package holds it. Root on Debian gets it installed; anyone else is
// told the one line to type, and the tests that need it say that they were skipped and why.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { has, say } from './setup.mjs';

const wanted = {
  chromium: 'chromium',
  iptables: 'iptables',
  nft: 'nftables',
  ip: 'iproute2',
  nsenter: 'util-linux',
  conntrack: 'conntrack',
  containerd: 'containerd',
  runc: 'runc',
  openssl: 'openssl',
  busybox: 'busybox-static',
  '/usr/lib/cni/bridge': 'containernetworking-plugins',
};

export function setUpSystem() {
  const missing = Object.entries(wanted)
    .filter(([command]) => !(command.startsWith('/') ? existsSync(command) : has(command)))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  const install = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.platform !== 'linux' || !has('apt-get')) {
    say(`Not here: ${missing.join(', ')}. Tests that need them are skipped and say so.`);
    return;
  }
  if (process.getuid?.() !== 0) {
    say(`Not here: ${missing.join(', ')}. Tests that need them are skipped; to have them all:  sudo ${install}`);
    return;
  }
  say(`Installing from Debian: ${missing.join(' ')} …`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const command of ['apt-get update -qq', `${install} -qq`]) {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { env: environment, encoding: 'utf8' });
    if (status === 0) continue;
    say(`“${command}” failed; tests that need it are skipped.\n${stdout.slice(-500)}${stderr.slice(-500)}`);
    return;
  }
}
