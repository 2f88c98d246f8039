/**
 * A copy of a text that is its own: what a parser cuts out of a message holds on to the whole message, which matters
 * where it is kept for long.
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
