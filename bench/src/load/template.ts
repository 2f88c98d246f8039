import { writeDigits } from './digits.ts'

/** Where a number stands in a message, and how wide it is; one name may stand at several places. */
interface Field {
  readonly at: number
  readonly width: number
}

/** Writes a number into a copy of the template that begins at `at`. */
export type WriteField = (into: Buffer, at: number, value: number) => void

/**
 * A message that is made once; each copy differs by numbers of fixed width. In the text a field is `{name:width}`.
 */
export class Template {
  readonly octets: Buffer
  readonly #fields = new Map<string, Field[]>()

  constructor(text: string) {
    let octets = ''
    let end = 0
    for (const match of text.matchAll(/\{([a-zA-Z]+):(\d+)\}/g)) {
      octets += text.slice(end, match.index)
      const [whole, name = '', width = '0'] = match
      const places = this.#fields.get(name) ?? []
      places.push({ at: octets.length, width: Number(width) })
      this.#fields.set(name, places)
      octets += '0'.repeat(Number(width))
      end = match.index + whole.length
    }
    this.octets = Buffer.from(octets + text.slice(end), 'latin1')
  }

  get length(): number {
    return this.octets.length
  }

  /** Copies it and gives the position behind. */
  copy(into: Buffer, at: number): number {
    this.octets.copy(into, at)
    return at + this.octets.length
  }

  writer(name: string): WriteField {
    const places = this.#fields.get(name)
    if (!places) throw new RangeError(`the template has no field ${name}`)
    return (into, at, value) => {
      for (const place of places) writeDigits(into, at + place.at, value, place.width)
    }
  }
}
