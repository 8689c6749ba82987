/**
 * Puts a pod's rules into its netns. The usual case, a new pod without rules, takes one child per family and no look before;
 * where something is there already it is read, compared, and replaced only if packets would be treated differently.
 */
import type { AgentSettings } from '../../contract/cni-plugin.ts';
import { findDrift } from '../../mesh/interception/find-drift.ts';
import { parseRules } from '../../mesh/interception/parse-rules.ts';
import { printRules } from '../../mesh/interception/print-rules.ts';
import type { Ruleset } from '../../mesh/interception/ruleset.ts';
import type { CommandResult, Host } from '../host.ts';
import { type Backend, runIn } from '../tools.ts';
import { hasLegacyTables } from './netns-view.ts';
import { hasIstio, hasRules, printFresh, printTransition, withIstio, withoutIstio } from './rule-text.ts';
import { addRoutes, removeRoutes } from './tproxy-routes.ts';
import { equip, type Family, forget, type NetnsTarget, type Toolbox, toolKey, type Workplace } from './toolbox.ts';
import type { WantedRules } from './wanted-rules.ts';

export interface ProgramMeans {
  host: Host;
  toolbox: Toolbox;
  settings: Pick<AgentSettings, 'backend'>;
}

export type Programmed =
  | { done: true; backend: Backend; families: Family[]; /** Nothing had to be written. */ already: boolean }
  /** The netns is as it was before, unless a problem says otherwise. */
  | { done: false; problems: string[] };

/** Never throws. What fails half-way is undone. Safe to repeat. */
export async function programNetns(means: ProgramMeans, target: NetnsTarget, wanted: WantedRules): Promise<Programmed> {
  const work = new Work(means, target, await equip(means.host, means.toolbox, target), wanted);
  try {
    const result = await work.program();
    if (!result.done) forget(means.toolbox);
    return result;
  } catch (error) {
    forget(means.toolbox);
    return { done: false, problems: [error instanceof Error ? error.message : String(error)] };
  }
}

/**
 * The usual lock is the whole node's, and kube-proxy may hold it for seconds. This one is the netns itself, the first file
 * that a child of ours inherits: nobody waits but who writes to the same pod.
 */
const ownLock = { XTABLES_LOCKFILE: '/proc/self/fd/3' };
/** Both families of one pod are written at once, and old releases do not wait for each other. */
const lockAttempts = 50;

const bothFamilies: readonly Family[] = ['4', '6'];

/** What was there in one backend, by family. A family that cannot be read is absent. */
type Reading = Map<Family, Ruleset>;

class Work {
  readonly #means: ProgramMeans;
  readonly #target: NetnsTarget;
  readonly #workplaces: Workplace[];
  readonly #wanted: WantedRules;
  /** Families in which Istio's rules of nft are those of this very call. */
  readonly #justWritten = new Set<Family>();

  constructor(means: ProgramMeans, target: NetnsTarget, workplaces: Workplace[], wanted: WantedRules) {
    this.#means = means;
    this.#target = target;
    this.#workplaces = workplaces;
    this.#wanted = wanted;
  }

  async program(): Promise<Programmed> {
    const { settings } = this.#means;
    const usable = (['nft', 'legacy'] as const).filter((backend) => this.#canWrite(backend));
    if (usable.length === 0) return { done: false, problems: [this.#noTools()] };
    const legacy = await hasLegacyTables(this.#means.host, this.#target);
    const first = this.#firstChoice(usable);
    if (first === undefined) return { done: false, problems: [this.#noTools(settings.backend)] };
    // Legacy tables were seen to be missing, and nft refuses a chain that is there: nobody needs to look.
    if (!legacy && first === 'nft' && (await this.#writeFresh('nft'))) return this.#done('nft', false);
    return await this.#lookAndWrite(first, usable, legacy);
  }

  #firstChoice(usable: Backend[]): Backend | undefined {
    const { backend } = this.#means.settings;
    if (backend !== 'auto') return usable.find((each) => each === backend);
    const preferred =
      this.#workplaces.find(({ place, tools }) => place.origin === 'host' && tools.preferred)?.tools.preferred ??
      this.#workplaces.find(({ tools }) => tools.preferred)?.tools.preferred;
    return usable.find((each) => each === preferred) ?? usable[0];
  }

  #done(backend: Backend, already: boolean): Programmed {
    return { done: true, backend, families: [...this.#wanted.families], already };
  }

  // ---- a new pod ----------------------------------------------------------------------------------------------------

  async #writeFresh(backend: Backend): Promise<boolean> {
    const { families, v4, v6 } = this.#wanted;
    const [unrouted, ...codes] = await Promise.all([
      this.#route(),
      ...families.map(async (family) => {
        const { code, stderr } = await this.#restore(family, backend, printFresh((family === '4' ? v4 : v6).ruleset));
        // Nobody's chains were in the way: what stands there now, be it a part only, is ours.
        if (!/exists/i.test(stderr)) this.#justWritten.add(family);
        return code;
      }),
    ]);
    return unrouted === undefined && codes.every((code) => code === 0);
  }

  // ---- a netns that holds something, or that refused what was written ------------------------------------------------

  async #lookAndWrite(first: Backend, usable: Backend[], legacy: boolean): Promise<Programmed> {
    const readings = new Map<Backend, Reading>();
    for (const backend of ['nft', 'legacy'] as const)
      if (backend === 'nft' || legacy) readings.set(backend, await this.#read(backend));
    const chosen = this.#means.settings.backend === 'auto' ? chooseBackend(first, usable, readings) : first;
    if (this.#isSame(chosen, readings)) {
      const problem = await this.#route();
      return problem === undefined ? this.#done(chosen, true) : { done: false, problems: [problem] };
    }
    const problems: string[] = [];
    const others = this.#means.settings.backend === 'auto' ? usable.filter((each) => each !== chosen) : [];
    for (const backend of [chosen, ...others]) {
      const problem = await this.#replace(backend, readings);
      if (problem === undefined) return this.#done(backend, false);
      problems.push(...problem);
    }
    return { done: false, problems };
  }

  async #read(backend: Backend): Promise<Reading> {
    const reading: Reading = new Map();
    await Promise.all(
      bothFamilies.map(async (family) => {
        const result = await this.#run('save', family, backend);
        if (result?.code === 0) reading.set(family, parseRules(result.stdout));
      }),
    );
    return reading;
  }

  #isSame(chosen: Backend, readings: Map<Backend, Reading>): boolean {
    for (const [backend, reading] of readings)
      if (backend !== chosen && [...reading.values()].some(hasIstio)) return false;
    const now = readings.get(chosen);
    return bothFamilies.every((family) => {
      const there = now?.get(family);
      const expected = family === '4' ? this.#wanted.v4 : this.#wanted.v6;
      if (!there) return expected.rules.length === 0;
      // Rules in many words for the same: what treats every packet alike stays.
      return findDrift(expected, there).status === 'same';
    });
  }

  /** @returns what went wrong; then everything is as it was. */
  async #replace(backend: Backend, readings: Map<Backend, Reading>): Promise<string[] | undefined> {
    const steps = this.#stepsTo(backend, readings);
    const results = await Promise.all(
      steps.map(async (step) => ({ step, result: await this.#restore(step.family, step.backend, step.text) })),
    );
    const problems = results.flatMap(({ step: { family, backend: to }, result }) =>
      result.code === 0 ? [] : [`IPv${family} rules could not be written with iptables (${to}): ${reasonOf(result)}.`],
    );
    const unrouted = await this.#route();
    if (unrouted !== undefined) problems.push(unrouted);
    if (problems.length === 0) {
      if (this.#wanted.mark === undefined && hadTproxy(readings))
        await removeRoutes(this.#means.host, this.#target, this.#workplaces);
      return undefined;
    }
    return [...problems, ...(await this.#undo(new Set([backend, ...readings.keys()]), readings))];
  }

  #stepsTo(backend: Backend, readings: Map<Backend, Reading>): { family: Family; backend: Backend; text: string }[] {
    const steps = bothFamilies.flatMap((family) => {
      const now = readings.get(backend)?.get(family);
      const { ruleset, rules } = family === '4' ? this.#wanted.v4 : this.#wanted.v6;
      if (!now) return rules.length === 0 ? [] : [{ family, backend, text: printFresh(ruleset) }];
      const next = rules.length === 0 ? withoutIstio(now) : withIstio(now, ruleset);
      return [{ family, backend, text: printTransition(now, next) }];
    });
    // Two sets of redirect rules, one per backend, would both be asked by the kernel.
    for (const [other, reading] of readings)
      if (other !== backend)
        for (const [family, now] of reading)
          steps.push({ family, backend: other, text: printTransition(now, withoutIstio(now)) });
    return steps.filter(({ text }) => text !== '');
  }

  /** Everything back as it was, in both families: half a redirection is worse than none. @returns what went wrong. */
  async #undo(backends: Iterable<Backend>, readings: Map<Backend, Reading>): Promise<string[]> {
    const pairs = [...backends].flatMap((backend) => bothFamilies.map((family) => ({ backend, family })));
    const problems = await Promise.all(
      pairs.map(async ({ backend, family }) => {
        const saved = await this.#run('save', family, backend);
        if (saved?.code !== 0) return undefined;
        const now = parseRules(saved.stdout);
        const before = readings.get(backend)?.get(family);
        const isOurs = !before || (backend === 'nft' && this.#justWritten.has(family));
        const back = printTransition(now, isOurs ? withoutIstio(now) : before);
        if (back === '') return undefined;
        const result = await this.#restore(family, backend, back);
        if (result.code === 0) return undefined;
        return `The IPv${family} rules that were there before could not be put back: ${reasonOf(result)}.`;
      }),
    );
    return problems.filter((problem) => problem !== undefined);
  }

  /** For TPROXY. @returns what went wrong. */
  #route(): Promise<string | undefined> {
    const { mark, families } = this.#wanted;
    if (mark === undefined) return Promise.resolve(undefined);
    return addRoutes(this.#means.host, this.#target, this.#workplaces, families, mark);
  }

  // ---- programs -----------------------------------------------------------------------------------------------------

  #canWrite(backend: Backend): boolean {
    return this.#wanted.families.every((family) => this.#find('restore', family, backend) !== undefined);
  }

  #find(action: 'restore' | 'save', family: Family, backend: Backend) {
    for (const { place, tools } of this.#workplaces) {
      const argv = tools[action].get(toolKey(family, backend));
      if (argv) return { place, argv };
    }
    return undefined;
  }

  async #run(
    action: 'restore' | 'save',
    family: Family,
    backend: Backend,
    more: { args?: string[]; stdin?: string } = {},
  ): Promise<CommandResult | undefined> {
    const found = this.#find(action, family, backend);
    if (!found) return undefined;
    const { place, argv } = found;
    const { args = [], ...options } = more;
    const whole = [...argv, ...args];
    for (let left = lockAttempts; ; left--) {
      const result = await runIn(this.#means.host, place, this.#target.netns, whole, { ...options, env: ownLock });
      if (left <= 1 || result.code !== 4 || !result.stderr.includes('xtables lock')) return result;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #restore(family: Family, backend: Backend, stdin: string): Promise<CommandResult> {
    const result = await this.#run('restore', family, backend, { args: ['--noflush'], stdin });
    return result ?? { stopped: 'missing', stdout: '', stderr: '' };
  }

  #noTools(backend?: string): string {
    const looked = this.#workplaces.map(({ place }) => place.label || 'the helper’s own image').join(', ');
    const what = backend === undefined ? 'iptables-restore' : `iptables-restore for the backend ${backend}`;
    const families = this.#wanted.families.map((family) => `IPv${family}`).join(' and ');
    return `No ${what} for ${families} was found; looked in ${looked}.`;
  }
}

/** Where rules of Istio's are; else where any are; else what the node itself uses. */
function chooseBackend(first: Backend, usable: readonly Backend[], readings: Map<Backend, Reading>): Backend {
  for (const holds of [hasIstio, hasRules]) {
    const found = usable.filter((backend) => [...(readings.get(backend)?.values() ?? [])].some(holds));
    if (found.length > 0) return found.find((backend) => backend === first) ?? found[0]!;
  }
  return first;
}

function hadTproxy(readings: Map<Backend, Reading>): boolean {
  return [...readings.values()].some((reading) =>
    [...reading.values()].some(({ chains }) =>
      chains.some(({ rules }) => rules.some(({ target }) => target === 'TPROXY')),
    ),
  );
}

/** What a program said at its end. */
export function reasonOf({ stderr, stopped, code }: CommandResult): string {
  if (stopped === 'timeout') return 'no answer in time';
  if (stopped) return `it could not be run (${stopped})`;
  const lines = stderr
    .trim()
    .split('\n')
    .filter((line) => !/^(Try |Error occurred at line)/.test(line));
  return lines.at(-1)?.replace(/\.$/, '') || `exit code ${code}`;
}

/** The rules of a netns in one backend, for a comparison. A family that cannot be read is absent. */
export async function readRules(means: ProgramMeans, target: NetnsTarget, backend: Backend): Promise<Reading> {
  const workplaces = await equip(means.host, means.toolbox, target);
  const reading: Reading = new Map();
  for (const family of bothFamilies) {
    const found = workplaces.find(({ tools }) => tools.save.has(toolKey(family, backend)));
    const argv = found?.tools.save.get(toolKey(family, backend));
    if (!found || !argv) continue;
    const result = await runIn(means.host, found.place, target.netns, argv);
    if (result.code === 0) reading.set(family, parseRules(result.stdout));
  }
  return reading;
}

/** For a person, and for tests: what is programmed. */
export function printWanted({ v4, v6, families }: WantedRules): string {
  return families.map((family) => printRules((family === '4' ? v4 : v6).ruleset)).join('');
}
