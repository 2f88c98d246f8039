/** Snapshots are written one at a time in a process: each holds on to the values of its moment. */
export class SnapshotTurn {
  #isTaken = false

  /** Takes the turn if nobody has it. */
  take(): boolean {
    if (this.#isTaken) return false
    this.#isTaken = true
    return true
  }

  leave(): void {
    this.#isTaken = false
  }
}
