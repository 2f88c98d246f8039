/** Room at first; it doubles. */
const DIALOGS_MIN = 1_024

/** The dialogs that SUBSCRIBEs asked for, by serial number: what each was told, and for whom it is. */
export class Dialogs {
  #cseqs = new Uint32Array(DIALOGS_MIN)
  #presentities = new Uint32Array(DIALOGS_MIN)
  readonly #watchers = new Map<number, number>()
  #count = 0
  /** NOTIFYs that came for the first time, and again. */
  fresh = 0
  repeated = 0

  /** A new one; its serial number comes back. */
  open(presentity: number): number {
    const serial = this.#count++
    if (serial >= this.#cseqs.length) {
      this.#cseqs = grown(this.#cseqs)
      this.#presentities = grown(this.#presentities)
    }
    this.#presentities[serial] = presentity
    this.#watchers.set(presentity, (this.#watchers.get(presentity) ?? 0) + 1)
    return serial
  }

  /** One that was refused: it has no watcher. */
  refused(serial: number): void {
    const presentity = this.#presentities[serial] ?? 0
    this.#watchers.set(presentity, this.watchersOf(presentity) - 1)
  }

  /** Notes a NOTIFY, and gives whom it is about when it is in a dialog of ours and came for the first time. */
  notified(serial: number, cseq: number): number | undefined {
    const last = this.#cseqs[serial]
    if (last === undefined || serial >= this.#count) return undefined
    if (cseq <= last) {
      this.repeated += 1
      return undefined
    }
    this.#cseqs[serial] = cseq
    this.fresh += 1
    return this.#presentities[serial]
  }

  watchersOf(presentity: number): number {
    return this.#watchers.get(presentity) ?? 0
  }
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * array.length)
  larger.set(array)
  return larger
}
