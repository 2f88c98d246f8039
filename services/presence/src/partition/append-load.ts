/** Records on their way to the log in all partitions of a process: half a second's worth at 8,000 a second. */
const RECORDS_MAX = 4_096

/** Counts what waits for the store in the whole process: beyond the bound new requests are refused, before any work. */
export class AppendLoad {
  readonly #max: number
  #records = 0

  constructor(max: number = RECORDS_MAX) {
    this.#max = max
  }

  get isFull(): boolean {
    return this.#records >= this.#max
  }

  get records(): number {
    return this.#records
  }

  add(): void {
    this.#records += 1
  }

  remove(): void {
    this.#records -= 1
  }
}
