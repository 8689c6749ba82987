import * as l10n from '@vscode/l10n';

/** Collects warnings and stops at a number that a person can read: 10 MB of garbage has 100,000 bad lines. */
export class Warnings {
  readonly list: string[] = [];
  #more = 0;

  add(warning: string): void {
    if (this.list.length < 20) this.list.push(warning);
    else this.#more++;
  }

  /** A line that was not understood, cut to what fits on a screen; control characters do not reach a terminal. */
  addLine(number: number, line: string): void {
    const shown = line
      .trim()
      .slice(0, 120)
      .replace(/[\u0000-\u001f\u007f-\u009f\ufffd]/g, '·');
    this.add(l10n.t('Line {0} was not understood and left out: {1}', number, shown));
  }

  done(): string[] {
    return this.#more ? [...this.list, l10n.t('{0} more lines like these were left out.', this.#more)] : this.list;
  }
}
