import type { Impu } from '@rollcall/core'
import type { Chance } from '../chance.ts'
import type { Context } from '../context.ts'
import { Caller } from './caller.ts'
import { type Notified, Watch } from './watch.ts'

/** One watcher of several presentities. */
export class Watcher extends Caller {
  readonly impu: Impu
  readonly #watches = new Map<string, Watch>()
  /** NOTIFYs that it does not answer, in a thousand. */
  silent = 0

  constructor(o: { context: Context; impu: Impu; chance: Chance }) {
    super({ ...o, name: o.impu })
    this.impu = o.impu
  }

  /** Its interest in a presentity. */
  watch(presentity: Impu): Watch {
    const { context, impu: watcher } = this
    const fresh = new Watch({ context, chance: this.chance.fork(), caller: this, watcher, presentity })
    this.#watches.set(presentity, fresh)
    return fresh
  }

  get watches(): Iterable<Watch> {
    return this.#watches.values()
  }

  watchOf(presentity: string): Watch | undefined {
    return this.#watches.get(presentity)
  }

  /** Answers a NOTIFY; undefined: not at all. */
  notified(notified: Notified): number | undefined {
    if (this.chance.inThousand(this.silent)) return undefined
    return this.#watches.get(notified.presentity)?.notified(notified) ?? 481
  }
}
