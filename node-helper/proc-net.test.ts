import { expect, test } from 'vitest';
import { canonicalAddress, parseInterfaces, parseLocalAddresses, parseSocketList, parseSockets } from './proc-net.ts';

const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:3A99 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1337        0 1 1 0 100 0 0 10 0
   1: 0100007F:3AAD 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1337        0 2 1 0 100 0 0 10 0
   2: 0700580A:C350 0800580A:2378 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
`;
const tcp6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:2378 00000000000000000000000000000000:0000 0A 0
   1: 000080FE00000000FF19CA808A8CE7FE:0016 00000000000000000000000000000000:0000 0A 0
   2: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A 0
`;

test('lists the sockets that listen, with address and port', () => {
  expect(parseSockets(tcp, 'tcp', '4')).toEqual([
    { family: '4', protocol: 'tcp', address: '0.0.0.0', port: 15001 },
    { family: '4', protocol: 'tcp', address: '127.0.0.1', port: 15021 },
  ]);
  expect(parseSockets(tcp6, 'tcp', '6').map(({ address, port }) => [address, port])).toEqual([
    ['::', 9080],
    ['fe80::80ca:19ff:fee7:8c8a', 22],
    ['::ffff:127.0.0.1', 80],
  ]);
});

test('reads the byte order of a big-endian machine', () => {
  expect(parseSockets('0: 7F000001:0050 00000000:0000 0A', 'tcp', '4', false)[0]?.address).toBe('127.0.0.1');
});

test('an unconnected UDP socket listens', () => {
  expect(parseSockets('0: 0100007F:3ACD 00000000:0000 07 0', 'udp', '4')).toMatchObject([
    { port: 15053, address: '127.0.0.1' },
  ]);
  expect(parseSockets('0: 0100007F:3ACD 00000000:0000 01 0', 'udp', '4')).toEqual([]);
});

test('leaves nonsense in peace', () => {
  expect(parseSockets('', 'tcp', '4')).toEqual([]);
  expect(parseSockets('x: y z 0A\n\n0: 1:2 3 0A', 'tcp', '4')).toEqual([]);
});

const fibTrie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.88.0.0/24 2 0 2
        |-- 10.88.0.0
           /24 link UNICAST
        |-- 10.88.0.7
           /32 host LOCAL
        |-- 10.88.0.255
           /32 link BROADCAST
Local:
        |-- 127.0.0.1
           /32 host LOCAL
`;
const ifInet6 = `00000000000000000000000000000001 01 80 10 80       lo
fd000000000000000000000000000007 02 40 00 80     eth0
`;

test('knows the namespace’s own addresses', () => {
  expect(parseLocalAddresses(fibTrie, ifInet6)).toEqual(['10.88.0.7', '127.0.0.1', '::1', 'fd00::7']);
});

test('puts addresses to their interfaces without ip', () => {
  const dev = 'Inter-|   Receive\n face |bytes\n    lo: 0 0\n  eth0: 0 0\n  eth1: 0 0\n';
  const route =
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth1\t0000580A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n';
  expect(parseInterfaces({ dev, route, fibTrie, ifInet6 })).toEqual([
    { name: 'lo', addresses: ['127.0.0.1', '::1/128'] },
    { name: 'eth0', addresses: ['fd00::7/64'] },
    { name: 'eth1', addresses: ['10.88.0.7'] },
  ]);
});

test.each([
  ['FD00:0::7', 'fd00::7'],
  ['fd00:0000:0000:0000:0000:0000:0000:0007', 'fd00::7'],
  ['::', '::'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ['1:0:3:0:0:6:7:8', '1:0:3::6:7:8'],
  ['10.0.0.1', '10.0.0.1'],
  ['nonsense:', 'nonsense:'],
])('spells %s as %s', (address, expected) => {
  expect(canonicalAddress(address)).toBe(expected);
});

test('reads what ss lists: families, scopes, sockets of both families', () => {
  const text = `Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess
udp   UNCONN 0      0          127.0.0.1:15053      0.0.0.0:*
udp   UNCONN 0      0         [::1]%lo:546           [::]:*
tcp   LISTEN 0      511                *:8080             *:*
tcp   LISTEN 0      511             [::]:9090          [::]:*
tcp   ESTAB  0      0          127.0.0.1:15001      127.0.0.1:4711
`;
  expect(parseSocketList(text)).toEqual([
    { family: '4', protocol: 'udp', address: '127.0.0.1', port: 15053 },
    { family: '6', protocol: 'udp', address: '::1', port: 546 },
    { family: '6', protocol: 'tcp', address: '::', port: 8080 },
    { family: '6', protocol: 'tcp', address: '::', port: 9090 },
  ]);
});
