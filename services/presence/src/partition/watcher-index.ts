import type { Impu } from '@rollcall/core'
import type { Subscription } from '../actor/state.ts'

type Watching = Pick<Subscription, 'id' | 'watcher'>

/**
 * Which subscriptions a watcher has, under the first of its asserted identities: the others are of the same set. Most
 * watchers have one in a partition, which takes no list.
 */
export class WatcherIndex {
  readonly #ids = new Map<Impu, string | string[]>()

  add({ id, watcher }: Watching): void {
    const [first] = watcher
    if (first === undefined) return
    const known = this.#ids.get(first)
    if (known === undefined) this.#ids.set(first, id)
    else if (typeof known !== 'string') known.push(id)
    else if (known !== id) this.#ids.set(first, [known, id])
  }

  delete({ id, watcher }: Watching): void {
    const [first] = watcher
    const known = first === undefined ? undefined : this.#ids.get(first)
    if (first === undefined || known === undefined) return
    if (typeof known === 'string') {
      if (known === id) this.#ids.delete(first)
      return
    }
    const at = known.indexOf(id)
    const last = known.pop()
    if (at >= 0 && last !== undefined && at < known.length) known[at] = last
    const [only] = known
    if (known.length === 1 && only !== undefined) this.#ids.set(first, only)
  }

  /** Of all that a user is called. */
  of(impus: readonly Impu[]): string[] {
    return impus.flatMap((impu) => this.#ids.get(impu) ?? [])
  }

  clear(): void {
    this.#ids.clear()
  }
}
