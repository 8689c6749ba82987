/** The page `docs/cni-hazards.md`: one section for each hazard, with the example that its fixture is. */
import type { ChainProblem } from './cni-chain.ts';
import { type CniHazardCode, listCniHazards } from './hazards.ts';
import type { CniFileText } from './parse-cni-file.ts';

export interface HazardExample {
  code: CniHazardCode;
  problem: ChainProblem;
  files: readonly CniFileText[];
}

/** Markdown. The heading of a section begins with its code; the anchor after it is the code alone. */
export function printCniHazardsDoc(examples: readonly HazardExample[]): string {
  const sections = listCniHazards().map(({ code, title, why, whatToDo }) => {
    const example = examples.find((candidate) => candidate.code === code);
    return [
      `## ${code} ${title}`,
      `<a id="${code.toLowerCase()}"></a>`,
      why,
      ...(example ? printExample(example) : []),
      `**What to do.** ${whatToDo}`,
    ].join('\n\n');
  });
  return `${[intro, ...sections].join('\n\n')}\n`;
}

const intro = `# Hazards of a node's CNI chain

What Meshloom recognises in the directory from which a node's container runtime takes its network, in the plugins named there,
and in what surrounds them. The tree *CNI Chain* and its panel show each where it is found, with the user's own names in it;
the examples below are the tests' own.`;

function printExample({ problem, files }: HazardExample): string[] {
  return [
    `**For example** (${problem.severity}): ${problem.message}`,
    ...files.map(
      ({ name, content = '' }) =>
        `\`${name}\`\n\n\`\`\`${name.includes('.conf') ? 'json' : 'text'}\n${visible(content)}\n\`\`\``,
    ),
  ];
}

/** What nobody would see on the page is spelt out. */
function visible(content: string): string {
  return content
    .replace(/^\uFEFF/, '<byte order mark>')
    .replaceAll('\r', '')
    .trimEnd();
}
