import { expect, test } from 'vitest';
import { Workspace } from '../workspace.ts';

test('a value that a rule refuses is not refused by the structure as well', () => {
  const workspace = new Workspace();
  workspace.setFile(
    'file:///a.yaml',
    `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  trafficPolicy:
    outlierDetection: {}
    loadBalancer: { localityLbSetting: { distribute: [{ from: us, to: { us: 110, eu: -10 } }] } }
`,
  );
  const rules = workspace.findings().map(({ rule, range }) => `${rule} ${range.start.line + 1}`);
  expect(rules).toContain('destination-rule/bad-locality 8');
  expect(rules).not.toContain('structure/out-of-bounds 8');
});
