/**
 * What a watcher's SUBSCRIBE is worth (RFC 5025 section 3.2.1): refused, kept waiting for the presentity, answered as if
 * the presentity were away, or told the truth.
 */
export type SubHandling = 'block' | 'confirm' | 'polite-block' | 'allow'

/** Their weights; when rules combine, the greatest wins (RFC 4745 section 10.2). */
const WEIGHTS: Readonly<Record<SubHandling, number>> = { block: 0, confirm: 10, 'polite-block': 20, allow: 30 }
/** Old documents write the weights themselves. */
const BY_TEXT: ReadonlyMap<string, SubHandling> = new Map([
  ...(['block', 'confirm', 'polite-block', 'allow'] as const).flatMap((handling) => [
    [handling, handling] as const,
    [String(WEIGHTS[handling]), handling] as const,
  ]),
])

/** Reads the text of `sub-handling`; one that is not understood gives nothing (RFC 4745 section 6.2). */
export function parseSubHandling(text: string): SubHandling {
  return BY_TEXT.get(text.trim()) ?? 'block'
}

/** What two rules give together (RFC 4745 section 10.2). */
export function greaterHandling(a: SubHandling, b: SubHandling): SubHandling {
  return WEIGHTS[a] >= WEIGHTS[b] ? a : b
}

/** The stricter of two. */
export function lesserHandling(a: SubHandling, b: SubHandling): SubHandling {
  return WEIGHTS[a] <= WEIGHTS[b] ? a : b
}
