import { parse } from 'yaml';

type Outcome = { value: unknown } | { error: unknown };

const outcomes = new Map<string, Outcome>();
const mostRemembered = 500;

/**
 * Reads YAML that stands in an annotation. The same text stands on many workloads and is read once: who gets the value leaves it as it is.
 * @throws what the parser throws of text that is no YAML.
 */
export function parseAnnotationYaml(text: string): unknown {
  let outcome = outcomes.get(text);
  if (!outcome) {
    if (outcomes.size >= mostRemembered) outcomes.clear();
    outcomes.set(text, (outcome = read(text)));
  }
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

function read(text: string): Outcome {
  try {
    return { value: parse(text) as unknown };
  } catch (error) {
    return { error };
  }
}
