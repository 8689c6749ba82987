const consonants = 'bdfgklmnprstvz';
const vowels = 'aeiou';

/** Words that can be spoken and mean nothing, shortest first: `baba`, `babe` … @param isTaken words that may not come. */
export function* pseudoWords(isTaken: (word: string) => boolean): Generator<string, never> {
  const syllables = [...consonants].flatMap((consonant) => [...vowels].map((vowel) => consonant + vowel));
  for (let at = 0; ; at++) {
    let word = '';
    // The first steps quickly, so that neighbours differ in their beginning.
    for (let rest = at + syllables.length; rest > 0; rest = Math.floor(rest / syllables.length))
      word += syllables[rest % syllables.length]!;
    if (!isTaken(word)) yield word;
  }
}
