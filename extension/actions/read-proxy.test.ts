/** Whose proxy is read, on which port, and what is said when there is none; the dumps are small and served over HTTP. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Pod } from '../../mesh/kubernetes.ts';
import { findProblems } from '../../mesh/proxy-config/find-proxy-problems.ts';
import { localCluster } from '../../test/envoy/envoy-pod.ts';
import { readProxy } from './read-proxy.ts';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

/** @param answers by path, without the query. */
async function serve(answers: Record<string, unknown>): Promise<number> {
  const server = createServer(({ url = '' }, response) => {
    const answer = answers[url.split('?')[0] ?? ''];
    if (answer === undefined) return response.writeHead(404).end('not here');
    return response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const pod = (name: string, more: Partial<Pod> = {}): Pod => ({
  ...{ metadata: { namespace: 'shop', name }, spec: { nodeName: 'worker', containers: [{ name: 'app' }] } },
  ...more,
});
const ambient = pod('reviews-1', {
  metadata: { namespace: 'shop', name: 'reviews-1', annotations: { 'ambient.istio.io/redirection': 'enabled' } },
});
const ztunnel: Pod = {
  metadata: { namespace: 'istio-system', name: 'ztunnel-x', labels: { app: 'ztunnel' } },
  spec: {
    nodeName: 'worker',
    containers: [
      { name: 'istio-proxy', args: ['proxy', 'ztunnel'], env: [{ name: 'ADMIN_ADDR', value: 'localhost:15999' }] },
    ],
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
};
const now = '2026-11-21T10:00:00Z';
const dump = {
  workloads: [
    { namespace: 'shop', name: 'reviews-1', protocol: 'HBONE', status: 'Healthy', workloadIps: ['10.0.0.1'] },
  ],
  services: [],
};

describe('reading a proxy', () => {
  it('of an ambient pod reads the ztunnel of its node, at the address that ztunnel was given', async () => {
    const port = await serve({ '/config_dump': dump, '/logging': 'current log level is info\n' });
    const cluster = localCluster({ ports: { 'ztunnel-x:15999': port }, pods: [ztunnel] });
    const report = await readProxy(cluster, ambient, now);
    expect(report).toMatchObject({
      ...{ subject: 'Pod istio-system/ztunnel-x', onBehalfOf: 'shop/reviews-1', missing: [] },
      ...{ config: { proxy: 'ztunnel' }, loggers: { ztunnel: 'info' } },
    });
    expect(findProblems(report)).toEqual([]);
    await expect(readProxy(localCluster({ ports: {} }), ambient, now)).rejects.toThrow(
      'Pod reviews-1 is in the ambient mesh, but node worker has no ztunnel pod.',
    );
  });

  it('of a pod that has ended says so', async () => {
    const ended = pod('job-1', { spec: { containers: [{ name: 'istio-proxy' }] }, status: { phase: 'Succeeded' } });
    await expect(readProxy(localCluster({ ports: {} }), ended, now)).rejects.toThrow(/has ended \(Succeeded\)/);
  });

  it('of a pod without any says so, and where to look', async () => {
    await expect(readProxy(localCluster({ ports: {} }), pod('plain'), now)).rejects.toMatchObject({
      message: 'Pod plain in namespace shop has no proxy of its own.',
      next: '“Mesh: Explain Injection” says why.',
    });
  });

  it.each<[string, Pod]>([
    [
      'the annotation',
      pod('web', {
        metadata: {
          namespace: 'shop',
          name: 'web',
          annotations: { 'proxy.istio.io/config': 'proxyAdminPort: 15777\n' },
        },
        spec: { containers: [{ name: 'istio-proxy' }] },
      }),
    ],
    [
      'the proxy’s environment, as a native sidecar',
      pod('web', {
        spec: {
          containers: [{ name: 'app' }],
          initContainers: [
            {
              name: 'istio-proxy',
              restartPolicy: 'Always',
              env: [{ name: 'PROXY_CONFIG', value: '{"proxyAdminPort":15777}' }],
            },
          ],
        },
      }),
    ],
  ])('uses the admin port of %s', async (_, moved) => {
    const port = await serve({ '/config_dump': { configs: [] } });
    const report = await readProxy(localCluster({ ports: { 'web:15777': port } }), moved, now);
    expect(report.config.proxy).toBe('envoy');
    // What an old or trimmed proxy does not answer is named, each with its path.
    expect(report.missing.join()).toMatch(
      /\/clusters\?format=json.*HTTP 404: not here.*\/certs.*\/server_info.*\/stats/,
    );
  });
});
