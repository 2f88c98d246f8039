/** Something that happens at a moment of virtual time. */
export interface HeapEntry {
  readonly dueMs: number
  /** Of those of one moment the first set comes first. */
  readonly order: number
  /** Undefined once it was cancelled. */
  act: (() => void) | undefined
}

/** What is to happen, the next first. */
export class TimerHeap {
  readonly #entries: HeapEntry[] = []

  push(entry: HeapEntry): void {
    const entries = this.#entries
    let at = entries.length
    entries.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = entries[parent]
      if (!above || !isBefore(entry, above)) break
      entries[at] = above
      at = parent
    }
    entries[at] = entry
  }

  /** The next one that was not cancelled, which stays. */
  peek(): HeapEntry | undefined {
    for (;;) {
      const [first] = this.#entries
      if (!first || first.act) return first
      this.#removeFirst()
    }
  }

  pop(): HeapEntry | undefined {
    const first = this.peek()
    if (first) this.#removeFirst()
    return first
  }

  #removeFirst(): void {
    const entries = this.#entries
    const last = entries.pop()
    if (!last || entries.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      const left = entries[child]
      const right = entries[child + 1]
      if (!left) break
      let below = left
      if (right && isBefore(right, left)) {
        below = right
        child += 1
      }
      if (!isBefore(below, last)) break
      entries[at] = below
      at = child
    }
    entries[at] = last
  }
}

function isBefore(one: HeapEntry, other: HeapEntry): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.order < other.order)
}
