// The eight tasks, as they are cut from passages nobody trained on.
//
// An item is a list of rows [prefix, continuation], the right one first; the scorer shuffles them. A choice varies the continuation, a schema varies the
// prefix, and a completion has one row, to be produced byte by byte. Wrong rows are drawn as the right ones are, by how often they are used, so that a
// guess from the options alone earns little.
const PREFIX_BYTES = 64;
/** The words whose choice is grammar rather than topic. */
const FUNCTION_WORDS = new Set(('the of and to in a that for is we our it on be by this with as have are will from not has which at been their was or but they all you must can who more '
  + 'us these').split(' '));
const LONG_ENOUGH = 14; // words before and after an item's own, so that a prefix is full and a continuation whole
const WORDS_AFTER = 6;

/** Numbers in [0, 1) that are the same on every machine (Tommy Ettinger's mulberry32). */
export function random(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const isPlain = (word) => /^[a-z]+$/.test(word);
const arePlain = (words, at, count) => words.slice(at, at + count).length === count && words.slice(at, at + count).every(isPlain);
const join = (words, at, count) => `${words.slice(at, at + count).join(' ')} `;

/** The whole words before a place, as many as fit. */
function before(words, at, bytes = PREFIX_BYTES) {
  let text = '';
  for (let k = at; k > 0 && text.length + words[k - 1].length + 1 <= bytes; k--) text = `${words[k - 1]} ${text}`;
  return text;
}

/** Words one letter apart, by letter patterns in which the odd one is a dot. */
export function neighbours(counts) {
  const byPattern = new Map();
  const patterns = (word) => [...word].flatMap((_, i) => [`${word.slice(0, i)}.${word.slice(i + 1)}`, `${word.slice(0, i)}.${word.slice(i)}`]).concat(`${word}.`);
  for (const word of counts.keys()) for (const pattern of patterns(word)) byPattern.set(pattern, [...(byPattern.get(pattern) ?? []), word]);
  return (word) => [...new Set(patterns(word).flatMap((pattern) => byPattern.get(pattern) ?? []))].filter((other) => other !== word);
}

/** What a task may draw from: the words of one set's passages, and how often the training text uses each. */
export function makeSource(passages, counts, near, draw) {
  const pick = (list) => list[Math.floor(draw() * list.length)];
  const all = passages.flat();
  const pools = { functionWords: all.filter((word) => FUNCTION_WORDS.has(word)), plain: all.filter(isPlain) };
  const places = passages.flatMap((words) => words.map((_, at) => [words, at]).slice(LONG_ENOUGH, -WORDS_AFTER));
  for (let i = places.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [places[i], places[j]] = [places[j], places[i]];
  }
  const different = (list, right, count) => {
    const found = new Set();
    for (let tries = 0; found.size < count && tries < 1000; tries++) {
      const word = pick(list);
      if (word !== right) found.add(word);
    }
    return found.size === count ? [...found] : null;
  };
  /** Some of a list of words, all different, by how often the training text uses each. */
  const byUse = (words, count) => Array.from({ length: count }).reduce((taken) => {
    const free = words.filter((word) => !taken.includes(word));
    let left = draw() * free.reduce((sum, word) => sum + counts.get(word), 0);
    return [...taken, free.find((word) => (left -= counts.get(word)) < 0) ?? free.at(-1)];
  }, []);
  return { draw, pick, pools, places, different, byUse, counts, near };
}

/** Every task: its kind, what a guess earns, and the item that starts at a word of a passage, or null. */
export const TASKS = {
  function_word: { kind: 'choice', guess: 0.25, make: ({ different, pools }, words, at) => {
    if (!FUNCTION_WORDS.has(words[at]) || !isPlain(words[at + 1])) return null;
    return different(pools.functionWords, words[at], 3)?.toSpliced(0, 0, words[at]).map((word) => [before(words, at), `${word} ${words[at + 1]} `]) ?? null;
  } },
  word_ending: { kind: 'choice', guess: 0.25, make: ({ byUse, counts }, words, at) => {
    if (!/^[a-z]{5,12}$/.test(words[at])) return null;
    const start = words[at].slice(0, 3);
    const others = [...counts.keys()].filter((word) => word.length > 4 && word.startsWith(start) && word !== words[at]);
    return others.length < 3 ? null : [words[at], ...byUse(others, 3)].map((word) => [before(words, at) + start, `${word.slice(3)} `]);
  } },
  word_order: { kind: 'choice', guess: 0.5, make: ({ draw }, words, at) => {
    if (!arePlain(words, at, 4)) return null;
    const k = at + Math.floor(draw() * 3);
    const swapped = words.toSpliced(k, 2, words[k + 1], words[k]);
    return words[k] === words[k + 1] ? null : [words, swapped].map((order) => [before(words, at), join(order, at, 4)]);
  } },
  real_word: { kind: 'choice', guess: 0.5, make: ({ near, byUse }, words, at) => {
    if (words[at].length < 3 || !arePlain(words, at, 2)) return null;
    const others = near(words[at]);
    return others.length === 0 ? null : [words[at], ...byUse(others, 1)].map((word) => [before(words, at), `${word} ${words[at + 1]} `]);
  } },
  context_match: { kind: 'schema', guess: 0.5, make: ({ pick, places }, words, at) => {
    if (!arePlain(words, at, 2)) return null;
    return [[words, at], pick(places)].map(([passage, place]) => [before(passage, place), join(words, at, 2)]);
  } },
  word_fit: { kind: 'schema', guess: 0.5, make: ({ different, pools }, words, at) => {
    if (!arePlain(words, at - 1, 3)) return null;
    return [words[at - 1], ...different(pools.plain, words[at - 1], 1)].map((word) => [`${before(words, at - 1)}${word} `, join(words, at, 2)]);
  } },
  word_completion: { kind: 'completion', guess: 0, make: ({ counts }, words, at) => {
    if (!/^[a-z]{6,14}$/.test(words[at]) || !counts.has(words[at])) return null;
    return [[before(words, at) + words[at].slice(0, -3), `${words[at].slice(-3)} `]];
  } },
  half_word: { kind: 'completion', guess: 0, make: (_, words, at) => {
    if (!/^[a-z]{4,8}$/.test(words[at])) return null;
    const half = Math.ceil(words[at].length / 2);
    return [[before(words, at) + words[at].slice(0, half), `${words[at].slice(half)} `]];
  } },
};
