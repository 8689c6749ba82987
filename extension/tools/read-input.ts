/** Reads what a model gave: the host does not check it against the schema. Messages are English, for the model. */
import { isIP } from 'node:net';
import { ToolInputError } from './tool.ts';

/** The fields of an input, read one by one; a name that nobody knows is an error, for the model meant something by it. */
export class InputReader {
  readonly #fields: Record<string, unknown>;
  readonly #read = new Set<string>();

  constructor(input: unknown) {
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      throw new ToolInputError('The input must be an object.');
    this.#fields = input as Record<string, unknown>;
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw new ToolInputError(`"${name}" is missing.`);
    return value;
  }

  optionalText(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || value === '')
      throw new ToolInputError(`"${name}" must be a text that is not empty.`);
    return value;
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new ToolInputError(`"${name}" must be one of ${choices.join(', ')}.`);
    return found;
  }

  flag(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw new ToolInputError(`"${name}" must be true or false.`);
  }

  number(name: string, largest: number): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= largest) return value;
    throw new ToolInputError(`"${name}" must be a whole number from 0 to ${largest}.`);
  }

  address(name: string): string | undefined {
    const value = this.optionalText(name);
    if (value === undefined || (isIP(value) !== 0 && !value.includes('%'))) return value;
    throw new ToolInputError(`"${name}" must be an IP address, not "${value}".`);
  }

  /** To be called last. */
  end(): void {
    const unknown = Object.keys(this.#fields).find((name) => !this.#read.has(name));
    if (unknown === undefined) return;
    throw new ToolInputError(`There is no field "${unknown}"; there are ${[...this.#read].sort().join(', ')}.`);
  }

  #take(name: string): unknown {
    this.#read.add(name);
    return this.#fields[name];
  }
}
