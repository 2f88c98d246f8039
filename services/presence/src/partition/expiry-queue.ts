interface Entry<K> {
  readonly key: K
  readonly dueMs: number
}

/** Entries without meaning that are left in the heap before it is made anew. */
const STALE_MIN = 1_024

/**
 * When which key is to be looked at next: a binary heap with at most one valid entry a key. An entry that comes too
 * early costs one look, so that moving a due time back, which every refresh does, costs nothing. What has no meaning any
 * more is at most half of it.
 */
export class ExpiryQueue<K> {
  #heap: Entry<K>[] = []
  readonly #dueOf = new Map<K, number>()

  /** Due time of the first entry; infinite when there is none. */
  get nextDueMs(): number {
    return this.#heap[0]?.dueMs ?? Number.POSITIVE_INFINITY
  }

  /** Asks to look at `key` at `dueMs`, or earlier if that was asked before. */
  schedule(key: K, dueMs: number): void {
    if (dueMs === Number.POSITIVE_INFINITY || (this.#dueOf.get(key) ?? Number.POSITIVE_INFINITY) <= dueMs) return
    this.#dueOf.set(key, dueMs)
    this.#push({ key, dueMs })
    this.#compact()
  }

  /** The key is not to be looked at any more. */
  forget(key: K): void {
    if (this.#dueOf.delete(key)) this.#compact()
  }

  clear(): void {
    this.#heap = []
    this.#dueOf.clear()
  }

  /** Takes the next key that is due. */
  takeDue(nowMs: number): K | undefined {
    for (let first = this.#heap[0]; first && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.#pop()
      // A key that was asked for earlier meanwhile has another entry.
      if (this.#dueOf.get(first.key) !== first.dueMs) continue
      this.#dueOf.delete(first.key)
      return first.key
    }
    return undefined
  }

  /** Takes `key` if it is due; its entry in the heap is passed over later. */
  take(key: K, nowMs: number): boolean {
    const dueMs = this.#dueOf.get(key)
    if (dueMs === undefined || dueMs > nowMs) return false
    this.#dueOf.delete(key)
    return true
  }

  #compact(): void {
    if (this.#heap.length - this.#dueOf.size < Math.max(STALE_MIN, this.#dueOf.size)) return
    this.#heap = []
    for (const [key, dueMs] of this.#dueOf) this.#push({ key, dueMs })
  }

  #push(entry: Entry<K>): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Entry<K>
      if (above.dueMs <= entry.dueMs) break
      heap[at] = above
      at = parent
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right && right.dueMs < (heap[child] as Entry<K>).dueMs) child += 1
      const below = heap[child] as Entry<K>
      if (below.dueMs >= last.dueMs) break
      heap[at] = below
      at = child
    }
    heap[at] = last
  }
}
