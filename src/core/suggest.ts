/** Did-you-mean for every name that people type: commands, flags, keys, backends, schemas, columns. */

/** Longer words are not compared: nobody mistypes a hash, and the work stays bounded. */
const longestCompared = 64

/**
 * The candidate nearest to `word` by insertions, deletions, replacements and swaps of neighbours, ignoring case;
 * undefined when none is near (more than a third of the letters differ). The earlier candidate wins a tie.
 */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length === 0 || word.length > longestCompared) return undefined
  const typed = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    if (candidate === word || candidate.length > longestCompared) continue
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue
    const distance = editDistance(typed, candidate.toLowerCase())
    // Replacing every letter of a one-letter word is not a likeness.
    if (distance < bestDistance && distance < Math.max(word.length, candidate.length)) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Optimal string alignment distance: Levenshtein plus swaps of neighbours, in three rows. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1))
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cost = Math.min(cost, beforeLast[column - 2]! + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[b.length]!
}
