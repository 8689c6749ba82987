import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{mesh,contract,language,extension,webviews,node-helper,cli,test,scripts}/**/*.test.ts'],
    exclude: ['test/in-editor/**', 'node_modules/**'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
