/**
 * What the installer of Istio's CNI plugin does to a node's directory, step by step as it does it: the single file's
 * version dropped, the list's forced to 0.3.1 and its name replaced, all keys sorted, written over the single file, which is
 * then renamed. Its removal takes its own entry and program, and leaves the list.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeSpace } from './node-space.ts';

/** The text of a program of `programs/`, to be put on the node. */
export function programText(name: string): string {
  return `#!${process.execPath}\n${readFileSync(join(import.meta.dirname, `programs/${name}.mjs`), 'utf8')}`;
}

type Fields = Record<string, unknown>;

export class IstioInstaller {
  readonly #space: NodeSpace;
  readonly #confDir: string;
  readonly #program: string;

  constructor(space: NodeSpace, confDir: string, programs: string) {
    this.#space = space;
    this.#confDir = confDir;
    this.#program = join(programs, 'istio-cni');
  }

  async install(): Promise<void> {
    await this.#space.run(['install', this.#space.write('istio-cni', programText('istio-cni')), this.#program]);
    const [name, text] = await this.#readFirst();
    const found = JSON.parse(text) as Fields;
    const entry = { type: 'istio-cni', ambient_enabled: false, exclude_namespaces: ['kube-system'] };
    if (Array.isArray(found.plugins)) {
      const others = (found.plugins as Fields[]).filter(({ type }) => type !== 'istio-cni');
      return await this.#write(name, { ...found, plugins: [...others, entry] });
    }
    const { cniVersion: _, ...single } = found;
    await this.#write(name, { name: 'k8s-pod-network', cniVersion: '0.3.1', plugins: [single, entry] });
    if (name.endsWith('.conf'))
      await this.#space.run(['mv', join(this.#confDir, name), join(this.#confDir, `${name}list`)]);
  }

  async uninstall(): Promise<void> {
    const [name, text] = await this.#readFirst();
    const list = JSON.parse(text) as { plugins: Fields[] };
    await this.#write(name, { ...list, plugins: list.plugins.filter(({ type }) => type !== 'istio-cni') });
    await this.#space.run(['rm', '-f', this.#program]);
  }

  /** It looks at these two alone, in the order of their names. */
  async #readFirst(): Promise<[name: string, text: string]> {
    const names = (await this.#space.run(['ls', this.#confDir])).split('\n');
    const [first] = names.filter((name) => /\.(conf|conflist)$/.test(name)).sort();
    if (first === undefined) throw new Error(`${this.#confDir} holds no configuration.`);
    return [first, await this.#space.run(['cat', join(this.#confDir, first)])];
  }

  async #write(name: string, content: Fields): Promise<void> {
    const path = join(this.#confDir, name);
    const aside = `${path}.tmp.${process.pid}`;
    await this.#space.run(['sh', '-c', `umask 077; cat > ${aside} && mv ${aside} ${path}`], {
      input: printAsGo(content),
    });
  }
}

/** A Go map as JSON: keys in their order, two spaces. */
function printAsGo(value: unknown): string {
  const inOrder = (_: string, field: unknown): unknown =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field;
  return JSON.stringify(value, inOrder, 2);
}
