import { GENERATOR_ADDRESS, ROLLCALL_ADDRESSES } from '../addresses.ts'
import { Generator } from '../load/generator.ts'
import type { Side } from '../side.ts'
import { PresenceProcess } from './presence-process.ts'
import { BenchStore } from './store.ts'

/** Rollcall as a side: NATS, one Presence Server, a generator. */
export class RollcallSide implements AsyncDisposable {
  readonly side: Side
  readonly presence: PresenceProcess
  readonly store: BenchStore
  readonly #all: AsyncDisposableStack

  private constructor(side: Side, presence: PresenceProcess, store: BenchStore, all: AsyncDisposableStack) {
    this.side = side
    this.presence = presence
    this.store = store
    this.#all = all
  }

  static async start(
    o: { readonly address?: string; readonly profileFolder?: string; readonly isMeasured?: boolean } = {},
  ): Promise<RollcallSide> {
    await using starting = new AsyncDisposableStack()
    const address = o.address ?? ROLLCALL_ADDRESSES[0]
    const store = starting.use(await BenchStore.start(address, ['presence']))
    const presence = starting.use(await PresenceProcess.start({ ...o, store: store.store, address }))
    const generator = starting.use(await Generator.start(GENERATOR_ADDRESS))
    const processes = { presence: { pid: presence.process.pid }, nats: { pid: store.pid } }
    const side = { name: 'Rollcall', server: presence.sip, generator, processes }
    return new RollcallSide(side, presence, store, starting.move())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#all[Symbol.asyncDispose]()
  }
}
