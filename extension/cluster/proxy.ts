/**
 * Which proxy the environment names for a server, as Go's `http.ProxyFromEnvironment` (and so kubectl) decides: the machine
 * itself never goes through a proxy, NO_PROXY names hosts, domains, addresses and networks.
 * @returns the proxy's URL, or undefined for a direct connection.
 */
import { BlockList, isIP } from 'node:net';

export function findEnvironmentProxy(server: URL, environment: Record<string, string | undefined>): string | undefined {
  const read = (name: string) => environment[name] || environment[name.toLowerCase()] || '';
  const proxy = server.protocol === 'https:' ? read('HTTPS_PROXY') : read('HTTP_PROXY');
  if (proxy === '') return undefined;
  const host = server.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return undefined;
  const port = server.port || (server.protocol === 'https:' ? '443' : '80');
  const direct = read('NO_PROXY')
    .split(',')
    .some((rule) => matches(rule.trim().toLowerCase(), host, port));
  if (direct) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function matches(rule: string, host: string, port: string): boolean {
  if (rule === '*') return true;
  if (rule === '') return false;
  const family = isIP(host);
  if (family !== 0) {
    const [address, bits] = rule.split('/');
    const list = new BlockList();
    const type = family === 4 ? 'ipv4' : 'ipv6';
    if (isIP(address!) !== family) return rule === `${host}:${port}`;
    if (bits === undefined) list.addAddress(address!, type);
    else if (/^\d+$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
      list.addSubnet(address!, Number(bits), type);
    return list.check(host, type);
  }
  const [name, rulePort] = rule.split(':');
  if (rulePort !== undefined && rulePort !== port) return false;
  const domain = name!.replace(/^\*?\./, '');
  return host.endsWith(`.${domain}`) || (!/^\*?\./.test(name!) && host === domain);
}
