import { describe, expect, it } from 'vitest';
import type { ReadingView } from '../../../contract/interception-view.ts';
import { filterRules, markHits, searchWords } from './filter-rules.ts';

const reading: ReadingView = {
  id: '4-nft',
  label: 'IPv4',
  mode: 'sidecar-redirect',
  raw: '',
  warnings: [],
  chains: [
    { table: 'nat', chain: 'INPUT', policy: 'ACCEPT', says: '', rules: [] },
    {
      table: 'nat',
      chain: 'ISTIO_INBOUND',
      says: '',
      rules: [
        row('-A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN', 'HBONE is not redirected', 'default', 0),
        row('-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT', 'Everything else goes to Envoy', 'includeInboundPorts', 12),
      ],
    },
    { table: 'nat', chain: 'CUSTOM', says: '', rules: [row('-A CUSTOM -j ACCEPT', 'Accepts', 'unknown')] },
  ],
};

function row(rule: string, explanation: string, cause: string, packets?: number) {
  return { rule, explanation, cause, known: true, ...(packets !== undefined && { packets, bytes: packets * 60 }) };
}

describe('filterRules', () => {
  it('leaves everything, empty chains included, when nothing is asked', () => {
    expect(filterRules(reading, { search: '  ', hideUnused: false })).toEqual({
      chains: reading.chains,
      shown: 3,
      total: 3,
    });
  });

  it.each(['dport 15008', 'hbone', '15008 DEFAULT'])(
    'finds “%s” in rule, explanation or cause, whatever the case',
    (search) => {
      const { chains, shown, total } = filterRules(reading, { search, hideUnused: false });
      expect({ shown, total }).toEqual({ shown: 1, total: 3 });
      expect(chains.map(({ chain }) => chain)).toEqual(['ISTIO_INBOUND']);
      expect(chains[0]?.rules[0]?.rule).toContain('15008');
    },
  );

  it('wants every word of the search', () => {
    expect(filterRules(reading, { search: 'hbone envoy', hideUnused: false }).shown).toBe(0);
  });

  it('hides what met no packet, but not what was never counted', () => {
    const { chains, shown } = filterRules(reading, { search: '', hideUnused: true });
    expect(shown).toBe(2);
    expect(chains.map(({ chain }) => chain)).toEqual(['ISTIO_INBOUND', 'CUSTOM']);
  });
});

describe('markHits', () => {
  it('marks every place, merging words that overlap', () => {
    expect(markHits('--dport 15008 to 15006', searchWords('1500 5008'))).toEqual([
      { text: '--dport ', hit: false },
      { text: '15008', hit: true },
      { text: ' to ', hit: false },
      { text: '1500', hit: true },
      { text: '6', hit: false },
    ]);
  });

  it('gives the whole text back unmarked when there is nothing to find', () => {
    expect(markHits('nat', [])).toEqual([{ text: 'nat', hit: false }]);
    expect(markHits('İstio', ['i'])).toEqual([{ text: 'İstio', hit: false }]);
    expect(markHits('', ['x'])).toEqual([]);
  });
});
