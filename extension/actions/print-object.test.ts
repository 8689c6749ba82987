import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../mesh/kubernetes.ts';
import { printObject } from './print-object.ts';

const secretText = Buffer.from('hunter2').toString('base64');

describe('an object as YAML', () => {
  it('comes in the order that people know, without managedFields', () => {
    const object = {
      status: { phase: 'Running' },
      spec: { a: 1 },
      metadata: { name: 'x', managedFields: [{ manager: 'kubectl' }, { manager: 'kubelet' }, { manager: 'kubectl' }] },
      kind: 'Pod',
      apiVersion: 'v1',
    } as KubernetesObject;
    expect(printObject(object)).toBe(
      '# managedFields are folded away (kubectl, kubelet).\napiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  a: 1\nstatus:\n  phase: Running\n',
    );
    expect(printObject(object, { managedFields: true })).toContain('- manager: kubelet');
  });

  it('shows no value of a Secret, wherever it stands', () => {
    const applied = JSON.stringify({ kind: 'Secret', data: { password: secretText } });
    const text = printObject({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'db',
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': applied,
          'other/copy': `{"stringData": {"password": "hunter2"}}`,
          note: 'kept',
        },
      },
      data: { password: secretText, broken: 5 },
      stringData: { password: 'hunter2' },
    } as KubernetesObject);
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(secretText);
    expect(parse(text)).toMatchObject({
      metadata: { annotations: { note: 'kept' } },
      data: { password: '(masked, 7 bytes)', broken: '(masked)' },
      stringData: { password: '(masked, 7 bytes)' },
    });
  });

  it('leaves a ConfigMap’s data, and an object without metadata, as they are', () => {
    expect(printObject({ kind: 'ConfigMap', data: { a: 'b' } } as KubernetesObject)).toContain('a: b');
  });

  it('reads back as the same, also with odd strings', () => {
    const object = {
      kind: 'ConfigMap',
      metadata: { name: 'on' },
      data: { a: 'yes', b: '- x\n: y\n', c: '\u0007\u202e', d: '0x1' },
    };
    expect(parse(printObject(object as KubernetesObject))).toEqual(object);
  });

  it('masks variables that are secrets by their names, in what kubectl last applied, too', () => {
    const env = [
      { name: 'DB_PASSWORD', value: 'hunter2' },
      { name: 'apiToken', value: 'hunter2' },
      { name: 'AWS_SECRET_ACCESS_KEY', value: 'hunter2' },
      { name: 'DATABASE_URL', value: 'postgres://shop:hunter2@db:5432/shop?a=b' },
    ];
    const plain = [
      { name: 'TOKEN_AUDIENCE', value: 'istio-ca' },
      { name: 'PASSWORD_FILE', value: '/run/password' },
      { name: 'COPY_TOKEN', value: '$(API_TOKEN)' },
      { name: 'EMPTY_TOKEN', value: '' },
      { name: 'DB_TOKEN', valueFrom: { secretKeyRef: { name: 'db', key: 'token' } } },
      { name: 'PWD', value: '/work' },
      { name: 'URL', value: 'http://reviews:9080/a@b' },
    ];
    const spec = { template: { spec: { containers: [{ name: 'app', env: [...env, ...plain] }] } } };
    const applied = JSON.stringify({ kind: 'Deployment', spec });
    const text = printObject({
      kind: 'Deployment',
      metadata: { name: 'web', annotations: { 'kubectl.kubernetes.io/last-applied-configuration': applied } },
      spec,
    } as KubernetesObject);
    expect(text).not.toContain('hunter2');
    expect(text).toContain('# Masked, because their names say that they are secrets: DB_PASSWORD, apiToken, ');
    expect(text).toContain('postgres://shop:(masked)@db:5432/shop?a=b');
    const shown = parse(text) as { spec: typeof spec };
    expect(shown.spec.template.spec.containers[0]?.env.slice(env.length)).toEqual(plain);
  });
});
