/** Gathers what is wrong with a document, each with the path of the field. A problem never repeats a secret. */
export class Problems {
  readonly #found: string[] = []

  add(path: string, problem: string): void {
    this.#found.push(`${path}: ${problem}`)
  }

  /** Adds `problem` unless `condition` holds. */
  require(condition: boolean, path: string, problem: string): void {
    if (!condition) this.add(path, problem)
  }

  /** Runs a parser; its typed error becomes a problem. */
  attempt<T>(path: string, problem: string, parse: () => T): T | undefined {
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof Error)) throw error
      this.add(path, problem)
      return undefined
    }
  }

  get found(): readonly string[] {
    return this.#found
  }
}
