import { connectStore, type StoreConnection } from '../connection.ts'
import type { StoreService } from '../layout.ts'
import type { InitStoreOptions } from './init-store.ts'

/** Connects as who may make the streams of one service. @throws StoreRefusedError, StoreUnavailableError */
export async function connectAdmin(
  o: Pick<InitStoreOptions, 'url' | 'adminTlsOf' | 'clock' | 'signal'>,
  service: StoreService,
): Promise<StoreConnection> {
  return await connectStore({
    url: o.url,
    tls: o.adminTlsOf(service),
    service: 'storeadmin',
    clock: o.clock,
    ...(o.signal && { signal: o.signal }),
  })
}
