/**
 * What happens to a watcher, weakest first: of several rules that match the strongest counts.
 *
 * @see RFC 5025 section 3.2.1
 */
export const HANDLINGS = ['block', 'confirm', 'polite-block', 'allow'] as const

export type Handling = (typeof HANDLINGS)[number]

export function isHandling(text: string): text is Handling {
  return (HANDLINGS as readonly string[]).includes(text)
}

export function strengthOf(handling: Handling): number {
  return HANDLINGS.indexOf(handling)
}
