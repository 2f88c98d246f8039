/** Names by their first letter. */
type ByLetter = readonly (readonly string[])[]

const NONE: readonly string[] = []

/**
 * Names that are looked for where they stand in a text, without cutting them out: what is found is a constant, whose
 * hash is known, and not a string of its own for each message.
 */
export class InPlaceNames {
  readonly #names: ByLetter

  /** All of them in latin1; the ones that come most often go first. */
  constructor(names: readonly string[]) {
    const byLetter: string[][] = Array.from({ length: 256 }, () => [])
    for (const name of names) byLetter[name.charCodeAt(0)]?.push(name)
    this.#names = byLetter
  }

  /** The name that stands in `text` from `from` to `end`, in this very spelling; else undefined. */
  find(text: string, from: number, end: number): string | undefined {
    for (const name of this.#names[text.charCodeAt(from)] ?? NONE) {
      if (name.length === end - from && text.startsWith(name, from)) return name
    }
    return undefined
  }

  /** The name that stands in `text` at `from` with the octet `next` right behind it; else undefined. */
  findBefore(text: string, from: number, next: number): string | undefined {
    for (const name of this.#names[text.charCodeAt(from)] ?? NONE) {
      if (text.charCodeAt(from + name.length) === next && text.startsWith(name, from)) return name
    }
    return undefined
  }
}
