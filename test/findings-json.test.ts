import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { printReports } from '../cli/analyze-formats.ts';
import { toFindingJson } from '../language/features/finding-json.ts';
import { Workspace } from '../language/index.ts';

it('a language model is told of a finding field by field what the command line prints', () => {
  const workspace = new Workspace({});
  const sample = join(resolve(import.meta.dirname, '..'), 'sample');
  for (const file of ['namespaces.yaml', 'demo/details.yaml', 'demo/ratings.yaml', 'routes/catalog.yaml'])
    workspace.setFile(file, readFileSync(join(sample, file), 'utf8'));
  const reports = workspace.findings();
  expect(reports.length).toBeGreaterThan(3);
  const root = { path: '/', uri: 'file:///' } as unknown as Parameters<typeof printReports>[2]['root'];
  const context = { root, color: false } as Parameters<typeof printReports>[2];
  const printed = JSON.parse(printReports(reports, 'json', context)) as unknown[];
  expect(reports.map((report) => JSON.parse(JSON.stringify(toFindingJson(report))) as unknown)).toEqual(printed);
  expect(Object.keys(printed[0] as object)).toEqual(Object.keys(toFindingJson(reports[0]!)));
});
