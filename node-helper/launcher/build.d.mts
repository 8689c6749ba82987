export interface LauncherTarget {
  program: string;
  compiler: string;
  processor: string;
  linker: string[];
}
export const targets: LauncherTarget[];
export function describeCompiler(target: LauncherTarget): string | undefined;
export function compile(target: LauncherTarget, output: string): void;
export function readCompilers(): Record<string, string>;
