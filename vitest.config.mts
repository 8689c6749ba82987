import { defineConfig } from 'vitest/config';

const everything = '{mesh,contract,language,extension,webviews,node-helper,cli,test,scripts}/**/*.test.ts';
/** What a machine has once: containerd, ports of a kubelet, rules of its own network. Never two of these files at a time. */
const netns = 'test/netns/**/*.test.ts';
const cluster = 'test/cluster/**/*.test.ts';
const never = ['test/in-editor/**', 'node_modules/**'];
const oneByOne = { fileParallelism: false, maxWorkers: 1 };

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'code', include: [everything], exclude: [netns, cluster, ...never] } },
      {
        extends: true,
        test: { name: 'netns', include: [netns], exclude: never, ...oneByOne, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: 'cluster', include: [cluster], exclude: never, ...oneByOne, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
