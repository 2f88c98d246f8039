/** Reads a JSON document field by field and gathers what is wrong, each with its path. Never repeats a value. */
export class FieldReader {
  readonly problems: string[]
  readonly #path: string
  readonly #fields: ReadonlyMap<string, unknown>

  private constructor(path: string, fields: ReadonlyMap<string, unknown>, problems: string[]) {
    this.#path = path
    this.#fields = fields
    this.problems = problems
  }

  /** A reader of the document's root. */
  static root(value: unknown): FieldReader {
    const problems: string[] = []
    return FieldReader.#of('', value, problems) ?? new FieldReader('', new Map(), problems)
  }

  /** Tells each field that is none of `names`: as a rule a misspelling. */
  knows(...names: readonly string[]): this {
    for (const name of this.#fields.keys()) if (!names.includes(name)) this.#fault(name, 'is unknown')
    return this
  }

  has(name: string): boolean {
    return this.#fields.has(name)
  }

  /** A fault of the object itself. */
  fault(problem: string): void {
    this.problems.push(`${this.#path || 'the document'}: ${problem}`)
  }

  text(name: string, o: { otherwise?: string } = {}): string {
    const value = this.#fields.get(name)
    if (typeof value === 'string' && value !== '') return value
    if (value === undefined && o.otherwise !== undefined) return o.otherwise
    this.#fault(name, value === undefined ? 'is missing' : 'must be a text')
    return ''
  }

  texts(name: string): string[] {
    const value = this.#fields.get(name) ?? []
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return [...value]
    this.#fault(name, 'must be a list of texts')
    return []
  }

  /** Booleans of the Cx profile are 0, 1, true or false (TS 29.228 annex E). */
  truth(name: string, o: { otherwise?: boolean } = {}): boolean {
    const value = this.#fields.get(name)
    if (value === true || value === 1) return true
    if (value === false || value === 0) return false
    if (value === undefined && o.otherwise !== undefined) return o.otherwise
    this.#fault(name, value === undefined ? 'is missing' : 'must be 0 or 1')
    return false
  }

  /** A whole number from 0 to `max`. */
  whole(name: string, o: { max: number; otherwise?: number }): number {
    const value = this.#fields.get(name)
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= o.max) return value
    if (value === undefined && o.otherwise !== undefined) return o.otherwise
    this.#fault(name, value === undefined ? 'is missing' : `must be a whole number from 0 to ${o.max}`)
    return 0
  }

  /** Octets in hexadecimal digits. */
  hex(name: string, o: { octets: readonly number[]; isOptional?: boolean }): Buffer {
    const value = this.#fields.get(name)
    if (typeof value === 'string' && o.octets.includes(value.length / 2) && /^[0-9a-f]*$/i.test(value)) {
      return Buffer.from(value, 'hex')
    }
    if (value !== undefined || !o.isOptional) {
      const digits = o.octets.map((octets) => 2 * octets).join(' or ')
      this.#fault(name, value === undefined ? 'is missing' : `must be ${digits} hexadecimal digits`)
    }
    return Buffer.alloc(0)
  }

  /** One object. */
  object(name: string): FieldReader | undefined {
    const value = this.#fields.get(name)
    if (value === undefined) {
      this.#fault(name, 'is missing')
      return undefined
    }
    return FieldReader.#of(this.#at(name), value, this.problems)
  }

  /** A list of objects; one object alone counts as a list of one, as in XML. */
  objects(name: string): FieldReader[] {
    const value = this.#fields.get(name)
    if (value === undefined) return []
    if (!Array.isArray(value))
      return [FieldReader.#of(this.#at(name), value, this.problems)].flatMap((one) => one ?? [])
    return value.flatMap((item, at) => FieldReader.#of(`${this.#at(name)}[${at}]`, item, this.problems) ?? [])
  }

  /** Whole numbers, one alone counting as a list of one. */
  wholes(name: string, max: number): number[] {
    const value = this.#fields.get(name) ?? []
    const list: unknown[] = Array.isArray(value) ? value : [value]
    if (list.every((item) => typeof item === 'number' && Number.isInteger(item) && item >= 0 && item <= max)) {
      return list as number[]
    }
    this.#fault(name, `must be whole numbers from 0 to ${max}`)
    return []
  }

  static #of(path: string, value: unknown, problems: string[]): FieldReader | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new FieldReader(path, new Map(Object.entries(value)), problems)
    }
    problems.push(`${path || 'the document'}: must be an object`)
    return undefined
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }

  #fault(name: string, problem: string): void {
    this.problems.push(`${this.#at(name)}: ${problem}`)
  }
}
