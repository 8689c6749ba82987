import { describe, expect, it } from 'vitest';
import { adviseOnCniFailure, breaksDelete, describeCniFailure, parseCniFailure } from './parse-cni-failure.ts';

describe('a CNI failure', () => {
  it.each([
    {
      title: 'of containerd on ADD',
      text: 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "5352": plugin type="galaxy-sdn" name="galaxy" failed (add): incompatible CNI versions; config is "0.3.1", plugin supports ["0.1.0" "0.2.0"]',
      failure: {
        kind: 'version',
        operation: 'add',
        plugin: 'galaxy-sdn',
        network: 'galaxy',
        asked: '0.3.1',
        supported: ['0.1.0', '0.2.0'],
      },
    },
    {
      title: 'of containerd on DEL, quoted once more by kubelet',
      text: 'error killing pod: failed to "KillPodSandbox" for "8b95" with KillPodSandboxError: "rpc error: code = Unknown desc = failed to destroy network for sandbox \\"e599\\": plugin type=\\"galaxy-sdn\\" name=\\"galaxy\\" failed (delete): incompatible CNI versions; config is \\"0.3.1\\", plugin supports [\\"0.1.0\\" \\"0.2.0\\"]"',
      failure: { kind: 'version', operation: 'delete', plugin: 'galaxy-sdn', supported: ['0.1.0', '0.2.0'] },
    },
    {
      title: 'of docker and its heirs',
      text: 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to set up sandbox container "ab" network for pod "x": networkPlugin cni failed to set up pod "x_shop" network: plugin galaxy-sdn does not support config version "0.3.1"',
      failure: { kind: 'version', operation: 'add', plugin: 'galaxy-sdn', asked: '0.3.1' },
    },
    {
      title: 'of CRI-O',
      text: 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_x_shop_0(ab): error adding pod shop_x to CNI network "podnet": plugin type="istio-cni" failed (add): Unauthorized',
      failure: { kind: 'unauthorized', operation: 'add', plugin: 'istio-cni', network: 'podnet' },
    },
    {
      title: 'of a program that is gone',
      text: 'rpc error: code = Unknown desc = failed to destroy network for sandbox "ab": failed to find plugin "istio-cni" in path [/opt/cni/bin]',
      failure: { kind: 'missing-plugin', operation: 'delete', plugin: 'istio-cni' },
    },
    {
      title: 'of a configuration without a name',
      text: 'failed to setup network for sandbox "ab": plugin type="galaxy-sdn" failed (add): missing network name:',
      failure: { kind: 'missing-name', operation: 'add', plugin: 'galaxy-sdn' },
    },
    {
      title: 'of a node without configuration',
      text: 'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
      failure: { kind: 'no-config' },
    },
    {
      title: 'of istio-cni after a reboot',
      text: 'failed to setup network for sandbox "ab": plugin type="istio-cni" name="istio-cni" failed (add): stat /var/run/istio-cni/istio-cni-kubeconfig: no such file or directory',
      failure: { kind: 'missing-kubeconfig', plugin: 'istio-cni' },
    },
    {
      title: 'of a full address range',
      text: 'failed to setup network for sandbox "ab": plugin type="bridge" name="podnet" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.88.0.1-10.88.0.254',
      failure: { kind: 'no-address', plugin: 'bridge' },
    },
    {
      title: 'that nobody has named yet',
      text: 'failed to setup network for sandbox "ab": plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized',
      failure: {
        kind: 'other',
        plugin: 'calico',
        detail: 'error getting ClusterInformation: connection is unauthorized',
      },
    },
  ])('$title is read', ({ text, failure }) => {
    expect(parseCniFailure(text)).toMatchObject(failure);
  });

  it.each([
    'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create containerd task: runc create failed: unable to start container process: EOF: unknown',
    'Back-off restarting failed container istio-proxy in pod reviews_shop(330d)',
    'Failed to pull image "x": Unauthorized',
    '',
  ])('is not seen in: %s', (text) => {
    expect(parseCniFailure(text)).toBeUndefined();
  });

  it('says what is asked for and what is spoken, and advises a version that is', () => {
    const failure = parseCniFailure(
      'plugin type="galaxy-sdn" name="galaxy" failed (add): incompatible CNI versions; config is "0.3.1", plugin supports ["0.1.0" "0.2.0"]',
    )!;
    expect(describeCniFailure(failure)).toBe(
      'The CNI configuration asks for version 0.3.1, but the plugin galaxy-sdn speaks only 0.1.0, 0.2.0.',
    );
    expect(adviseOnCniFailure(failure)).toContain('0.1.0, 0.2.0');
  });

  it('of the version keeps pods from going away too; a full address range does not', () => {
    expect(breaksDelete({ kind: 'version', operation: 'add', detail: '' })).toBe(true);
    expect(breaksDelete({ kind: 'no-address', operation: 'add', detail: '' })).toBe(false);
  });
});
