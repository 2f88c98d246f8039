/**
 * What somebody else wrote, made fit for a terminal: control characters, which could move the cursor or worse, become a
 * replacement character.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}

/** `04:12:33`, in the person's own time. */
export function timeOfDay(epochMs: number): string {
  return new Date(epochMs).toTimeString().slice(0, 8)
}
