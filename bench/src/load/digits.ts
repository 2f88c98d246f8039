const ZERO = 0x30

/**
 * Writes a whole number in decimal, `width` digits with zeros in front. Load must cost the generator next to nothing, so
 * messages are octets with fields of fixed width.
 */
export function writeDigits(into: Buffer, at: number, value: number, width: number): void {
  let rest = value
  for (let i = at + width - 1; i >= at; i--) {
    const next = Math.floor(rest / 10)
    into[i] = ZERO + rest - next * 10
    rest = next
  }
}

/** Reads digits from `at` on, at most `widthMax`; NaN when there is none. */
export function readDigits(from: Buffer, at: number, widthMax: number): number {
  let value = 0
  let i = at
  for (; i < at + widthMax; i++) {
    const digit = (from[i] ?? 0) - ZERO
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  return i === at ? Number.NaN : value
}
