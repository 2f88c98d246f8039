import { assert } from '@rollcall/core'
import { BATCH_MESSAGES_MAX } from './batcher.ts'
import type { HopLink } from './link.ts'
import type { Elsewhere, HopRequest, HopSendOptions } from './pending.ts'
import type { HopResult } from './result.ts'

/** The targets of one host: replicas, each as good as another. */
export class HopTargets implements Elsewhere<HopLink> {
  readonly #links: readonly HopLink[]
  readonly #elsewhere: Elsewhere<HopLink> | undefined
  #at = 0
  #isWarm = false

  /** `links` has one at least. */
  constructor(links: readonly HopLink[]) {
    assert(links.length > 0, 'a host has a target')
    this.#links = links
    this.#elsewhere = links.length > 1 ? this : undefined
  }

  get isConnected(): boolean {
    return this.#links.some((link) => link.isConnected)
  }

  send(request: HopRequest, on: (result: HopResult) => void, o: HopSendOptions): void {
    this.#pick().send(request, on, o, this.#elsewhere)
  }

  /** A target other than `than` that has room: one that is connected, else one that may be in a moment. */
  another(than: HopLink): HopLink | undefined {
    const others = this.#links.filter((link) => link !== than && link.hasRoom)
    return others.find((link) => link.isConnected) ?? others.find((link) => !link.isAway)
  }

  /**
   * The next one in rotation that is connected. What one turn of the event loop has to say goes to one target, up to a
   * batch of it: spread message by message, batches would be as small as there are many targets.
   */
  #pick(): HopLink {
    const current = this.#linkAt(this.#at)
    if (this.#elsewhere === undefined) return current
    if (current.isConnected && current.unwritten % BATCH_MESSAGES_MAX !== 0 && current.hasRoom) return current
    if (!this.#isWarm) {
      // From now on each is kept connected: one that is not there is known to be away before it is needed.
      this.#isWarm = true
      for (const link of this.#links) link.connect()
    }
    return this.#next((link) => link.isConnected && link.hasRoom) ?? this.#next((link) => !link.isAway) ?? current
  }

  #next(isGood: (link: HopLink) => boolean): HopLink | undefined {
    const count = this.#links.length
    for (let step = 1; step <= count; step++) {
      const at = (this.#at + step) % count
      const link = this.#linkAt(at)
      if (!isGood(link)) continue
      this.#at = at
      return link
    }
    return undefined
  }

  #linkAt(index: number): HopLink {
    const link = this.#links[index]
    assert(link !== undefined, 'the rotation stays within the targets')
    return link
  }
}
