/** What our rules say of Envoy's extensions, against the list that a real Envoy gives its control plane. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOldType } from '../../language/rules/envoy-filter/bad-typed-config.ts';
import { namedFilters } from '../../language/rules/envoy-filter/deprecated-filter-name.ts';
import { ControlPlane } from './control-plane.ts';
import { bootstrap } from './istio-shape.ts';
import { obtainEnvoy } from './obtain-envoy.ts';
import { freePort, RunningEnvoy, until } from './run-envoy.ts';

const program = await obtainEnvoy();
if ('missing' in program) console.warn(`test/envoy: skipped, because ${program.missing}`);

describe.skipIf('missing' in program)('extensions of a real Envoy', () => {
  const plane = new ControlPlane();
  const envoy = new RunningEnvoy();
  beforeAll(async () => {
    await plane.open();
    const admin = { address: '127.0.0.1', port: await freePort() };
    envoy.start((program as { path: string }).path, bootstrap({ admin, plane: plane.ports }));
    await until(
      () => Promise.resolve(plane.extensions),
      (all) => all.length > 0,
    );
  });
  afterAll(async () => {
    await envoy.stop();
    plane.close();
  });

  it('include every filter whose name a finding recommends, and none that it calls gone', () => {
    const has = new Set(plane.extensions.map(({ name }) => name));
    expect(namedFilters.filter(({ name, isGone }) => has.has(name) === isGone)).toEqual([]);
  });

  it('have no type that we take for one of the old API', () => {
    const types = plane.extensions.flatMap(({ typeUrls }) => typeUrls);
    expect(types.length).toBeGreaterThan(300);
    expect(types.filter((name) => isOldType(`type.googleapis.com/${name}`))).toEqual([]);
  });
});
