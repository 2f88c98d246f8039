import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { TemporaryFolder } from '../temporary-folder.ts'

/** Room of each stream, a million of everything in all of them; only what is written takes disk. */
const STREAM_OCTETS_MAX = 4e9

/** nats-server with fsync on every append (`sync_interval: always`), one replica, on a temporary folder. */
export class BenchStore implements AsyncDisposable {
  readonly store: TestStore
  readonly #folder: TemporaryFolder

  private constructor(store: TestStore, folder: TemporaryFolder) {
    this.store = store
    this.#folder = folder
  }

  static async start(
    address: string,
    services: readonly ('presence' | 'hss' | 'scscf' | 'bsf')[],
  ): Promise<BenchStore> {
    const folder = new TemporaryFolder('store')
    try {
      const { path } = folder
      const store = await startTestStore({ address, folder: path, services, streamBytesMax: STREAM_OCTETS_MAX })
      return new BenchStore(store, folder)
    } catch (error) {
      folder[Symbol.dispose]()
      throw error
    }
  }

  get pid(): number {
    return this.store.server.pid ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.stop()
    this.#folder[Symbol.dispose]()
  }
}
