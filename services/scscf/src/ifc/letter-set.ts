/** A set of octets, one cell each: SIP text is kept octet for octet, so a letter is one of 256. */
export type LetterSet = Uint8Array

const OCTETS = 256

export function emptySet(): LetterSet {
  return new Uint8Array(OCTETS)
}

/** The set of one letter. */
export function setOf(letter: string): LetterSet {
  const set = emptySet()
  const code = letter.charCodeAt(0)
  if (code < OCTETS) set[code] = 1
  return set
}

/** Every octet that is not in `set`. */
export function negate(set: LetterSet): LetterSet {
  return set.map((has) => 1 - has)
}

const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the class is the control characters.
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[ \t\r\n\f\v]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
}

/** The letters of a character class in the POSIX locale (IEEE 1003.1 section 7.3.1); undefined when there is none. */
export function classLetters(name: string): LetterSet | undefined {
  const pattern = CLASSES[name]
  if (!pattern) return undefined
  return Uint8Array.from({ length: OCTETS }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0))
}
