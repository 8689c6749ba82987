/**
 * Our structure rules beside a real API server that has Istio's CRDs, CEL rules included. What it refuses must be an error
 * of ours, and what our structure rules refuse it must refuse. `MESHLOOM_STRUCTURE_CASES` and `MESHLOOM_STRUCTURE_SEED` make
 * longer runs and other ones.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from '../../language/index.ts';
import { istioStructures } from '../../language/schema/structure.ts';
import { structuresOfCrds } from '../../language/schema/structure-of-crd.ts';
import { ApiServer, type Answer } from './api-server.ts';
import { celCases } from './cel-cases.ts';
import { celRules } from './istio-cel.ts';
import { collectionPath, istioCrds, isIstioKind } from './istio-crds.ts';
import { startControlPlane, whyNoControlPlane, type ControlPlane } from './start-cluster.ts';
import { bend, makeResource, Random, type JsonMap } from './structure-cases.ts';
import { judge } from './structure-verdict.ts';
import { eventually, say } from './support.ts';
import { yamlForms } from './yaml-forms.ts';

const missing = await whyNoControlPlane();
if (missing) console.log(`test/cluster: structure skipped, because ${missing}`);

const count = Number(process.env.MESHLOOM_STRUCTURE_CASES ?? 800);
const seed = Number(process.env.MESHLOOM_STRUCTURE_SEED ?? 1);
const root = join(import.meta.dirname, '../..');
const crdPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let plane: ControlPlane;
let api: ApiServer;

describe.skipIf(missing)('structure, as a real API server sees it', { timeout: 30 * 60_000 }, () => {
  beforeAll(async () => {
    plane = await startControlPlane(say);
    api = new ApiServer(plane);
    await Promise.all(istioCrds().map((crd) => api.create(crdPath, crd)));
    await eventually('the CRDs served', async () => {
      const answers = await Promise.all(
        Object.entries(istioStructures).map(([kind, { group, versions }]) =>
          api.send('GET', collectionPath(`${group}/${versions.at(-1)}`, kind)),
        ),
      );
      return answers.every(({ status }) => status === 200) || undefined;
    });
  }, 15 * 60_000);

  afterAll(async () => {
    api?.dispose();
    await plane?.dispose();
  }, 60_000);

  const ask = async (manifest: string, type: 'json' | 'yaml' = 'json') => {
    const [resource] = parse(manifest, 'file:///a.yaml').documents[0]!.resources;
    return await api.tryOut(collectionPath(resource!.apiVersion, resource!.kind), manifest, type);
  };

  /** Undefined when both agree; otherwise what each says. */
  const disagreement = (manifest: string, { status, message }: Answer, what = '') => {
    const { structure, all } = judge(manifest);
    if (status >= 300 && all.length === 0) return { what, manifest, server: `${status} ${message}`, we: 'nothing' };
    if (status < 300 && structure.length > 0)
      return { what, manifest, server: 'accepts', we: structure.map(({ rule, message }) => `${rule}: ${message}`) };
    return undefined;
  };

  /** Some at a time. @returns those that the server accepts; where we disagree is added to `disagreements`. */
  const compare = async (cases: { resource: JsonMap; what: string }[], disagreements: object[]) => {
    const accepted: JsonMap[] = [];
    for (let from = 0; from < cases.length; from += 64) {
      const some = cases.slice(from, from + 64).map(({ resource, what }) => ({
        ...{ resource, what, manifest: JSON.stringify(resource) },
      }));
      const answers = await Promise.all(some.map(({ manifest }) => ask(manifest)));
      for (const [index, { resource, what, manifest }] of some.entries()) {
        if (answers[index]!.status < 300) accepted.push(resource);
        const found = disagreement(manifest, answers[index]!, what);
        if (found) disagreements.push(found);
      }
    }
    return accepted;
  };

  test(`agrees on ${count} resources, half of them made, and each of the sound ones bent (seed ${seed})`, async () => {
    const random = new Random(seed);
    const fixtures = readFixtures();
    const whole = [
      ...Array.from({ length: Math.ceil(count / 2) }, () => random.pick(fixtures)),
      ...Array.from({ length: Math.floor(count / 2) }, () => makeResource(random)),
    ].map((resource) => ({ resource, what: 'as it is' }));
    const disagreements: object[] = [];
    // One fault in what is sound: no other error can hide that it is missed.
    const sound = await compare(whole, disagreements);
    await compare(
      Array.from({ length: count }, () => bend(random.pick(sound), random)),
      disagreements,
    );
    expect(disagreements).toEqual([]);
  });

  test.each(yamlForms)('agrees on %s', async (_, manifest) => {
    expect(disagreement(manifest, await ask(manifest, 'yaml'))).toBeUndefined();
  });

  test('agrees on what the CEL rules are about, and each of them is heard', async () => {
    const disagreements: object[] = [];
    const said: string[] = [];
    for (const [kind, ...specs] of celCases) {
      const { group, versions } = istioStructures[kind]!;
      for (const spec of specs) {
        const manifest = `apiVersion: ${group}/${versions[0]}\nkind: ${kind}\nmetadata: { name: a }\nspec: ${spec}\n`;
        const answer = await ask(manifest, 'yaml');
        said.push(answer.message);
        disagreements.push(disagreement(manifest, answer) ?? []);
      }
    }
    expect(disagreements.flat()).toEqual([]);
    expect(celRules.filter(({ message }) => !said.some((words) => words.includes(message)))).toEqual([]);
  });

  test('gives back CRDs that say what is built in', async () => {
    const { text } = await api.send('GET', crdPath);
    expect(structuresOfCrds((JSON.parse(text) as { items: unknown[] }).items)).toEqual(istioStructures);
  });
});

function readFixtures(): JsonMap[] {
  const files = globSync(join(root, '{language/rules,sample}/**/*.yaml')).sort();
  return files.flatMap((file) =>
    parse(readFileSync(file, 'utf8'), file).documents.flatMap(({ resources }) =>
      resources
        .filter(({ apiVersion, kind, incomplete }) => isIstioKind(apiVersion, kind) && !incomplete)
        .map(({ root }) => {
          const resource = root.toJSON() as JsonMap;
          // Only `default` is there.
          if (typeof resource.metadata === 'object') delete (resource.metadata as JsonMap | null)?.namespace;
          return resource;
        }),
    ),
  );
}
