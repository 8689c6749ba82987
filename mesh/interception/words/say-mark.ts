import * as l10n from '@vscode/l10n';

/** `0x539` as it is; `0x111/0xfff`: 0x111 in the bits 0xfff; `0x4000/0x4000`: set in the bits 0x4000. */
export function sayMark(written: string): string {
  const [value = '', mask] = written.split('/');
  if (mask === undefined || Number(mask) === 0xffffffff) return value;
  return l10n.t('{0} in the bits {1}', value, mask);
}

/** What `--set-xmark VALUE/MASK` does: new mark = (mark & ~MASK) ^ VALUE. */
export function sayNewMark(written: string, isConnection: boolean): string {
  const [value = '0', mask = '0xffffffff'] = written.split('/');
  const whose = isConnection ? l10n.t('the mark of their connection') : l10n.t('their mark');
  const [bits, cleared] = [Number(value), Number(mask)];
  if (cleared === 0xffffffff) return l10n.t('{0} becomes {1}', whose, value);
  if (bits === 0) return l10n.t('{0} loses the bits {1}', whose, mask);
  if (bits === cleared) return l10n.t('{0} gets the bits {1}', whose, value);
  if (cleared === 0) return l10n.t('{0} has the bits {1} turned over', whose, value);
  return l10n.t('{0} becomes {1} in the bits {2}', whose, value, mask);
}
