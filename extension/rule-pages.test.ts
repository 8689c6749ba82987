import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { listCniHazards } from '../mesh/cni/hazards.ts';
import { findCodePage, findRulePage, listRulePages } from './rule-pages.ts';

const text = readFileSync(join(import.meta.dirname, '../docs/rules.md'), 'utf8');

it('finds the page of every rule that the table lists, and no more than that page', () => {
  const listed = listRulePages(text);
  expect(listed.length).toBeGreaterThan(200);
  for (const { id, code, level } of listed) {
    const page = findRulePage(text, id);
    expect(page?.startsWith(`# ${id}\n`), id).toBe(true);
    expect(page).toContain(`Code ${code}, level ${level}.`);
    expect(page).not.toMatch(/^## /m);
  }
});

it('knows no page of a rule that is not there', () => {
  expect(findRulePage(text, 'virtual-service/none')).toBeUndefined();
  expect(findRulePage(text, 'virtual-service')).toBeUndefined();
});

it('finds the page of every hazard of a CNI chain, and no more than that page', () => {
  const pages = readFileSync(join(import.meta.dirname, '../docs/cni-hazards.md'), 'utf8');
  for (const { code, title } of listCniHazards()) {
    const page = findCodePage(pages, code);
    expect(page?.startsWith(`# ${code} ${title}\n`), code).toBe(true);
    expect(page).not.toMatch(/^## /m);
  }
  expect(findCodePage(pages, 'ML200')).toBeUndefined();
});
