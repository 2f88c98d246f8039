/**
 * Sequences of records that somebody has not been told of yet, with the oldest of them at hand: a heap of the distinct
 * ones, and how often each is outstanding. The cost of each step does not depend on how many dialogs are being told.
 */
export class Outstanding {
  readonly #counts = new Map<bigint, number>()
  /** Each sequence that has a count at most once, and some that have none any more: they are passed over at the top. */
  readonly #heap: bigint[] = []
  readonly #inHeap = new Set<bigint>()

  add(sequence: bigint): void {
    this.#counts.set(sequence, (this.#counts.get(sequence) ?? 0) + 1)
    if (this.#inHeap.has(sequence)) return
    this.#inHeap.add(sequence)
    this.#push(sequence)
  }

  remove(sequence: bigint): void {
    const count = this.#counts.get(sequence) ?? 0
    if (count > 1) this.#counts.set(sequence, count - 1)
    else this.#counts.delete(sequence)
  }

  /** The oldest; undefined when there is none. */
  get oldest(): bigint | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#counts.has(first)) return first
      this.#pop()
      this.#inHeap.delete(first)
    }
    return undefined
  }

  clear(): void {
    this.#counts.clear()
    this.#heap.length = 0
    this.#inHeap.clear()
  }

  #push(sequence: bigint): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as bigint
      if (above <= sequence) break
      heap[at] = above
      at = parent
    }
    heap[at] = sequence
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && right < (heap[child] as bigint)) child += 1
      const below = heap[child] as bigint
      if (below >= last) break
      heap[at] = below
      at = child
    }
    heap[at] = last
  }
}
