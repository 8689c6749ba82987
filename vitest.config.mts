import { defineConfig } from 'vitest/config';

const everything = '{mesh,contract,language,extension,webviews,node-helper,cli,test,scripts}/**/*.test.ts';
/** These need what a machine has once: network namespaces, containerd, ports of a kubelet. Never two of them at a time. */
const machine = 'test/{cluster,netns}/**/*.test.ts';
const never = ['test/in-editor/**', 'node_modules/**'];

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'code', include: [everything], exclude: [machine, ...never] } },
      { extends: true, test: { name: 'machine', include: [machine], exclude: never, fileParallelism: false } },
    ],
  },
});
