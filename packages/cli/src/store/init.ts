import { join } from 'node:path'
import { Secret, systemClock } from '@rollcall/core'
import {
  DEFAULT_SHAPE,
  type InitStoreOptions,
  initStore,
  NATS_KEY_VARIABLE,
  STORE_SERVICES,
  storeAdminRole,
} from '@rollcall/store'
import type { Invocation } from '../command/command.ts'
import { dataDirOf, pkiFolderOf } from '../data-dir.ts'
import { UsageError } from '../errors.ts'

const URL_DEFAULT = 'tls://127.0.0.1:14222'

/** `rollcall store init` */
export async function initialise(invocation: Invocation): Promise<void> {
  const { options, env, output, signal } = invocation
  const tlsFolder = options.text('tls-dir') ?? pkiFolderOf(dataDirOf(options, env))
  const only = options.list('service')
  const data = dataOf(invocation)
  const { created, present } = await initStore({
    url: options.text('url') ?? env.ROLLCALL_NATS_URL ?? URL_DEFAULT,
    clock: systemClock,
    adminTlsOf: (service) => ({
      certFile: join(tlsFolder, `${storeAdminRole(service)}.crt`),
      keyFile: join(tlsFolder, `${storeAdminRole(service)}.key`),
      caFile: join(tlsFolder, 'ca.crt'),
    }),
    ...(data === undefined ? {} : { data }),
    services: only.length === 0 ? STORE_SERVICES : STORE_SERVICES.filter((service) => only.includes(service)),
    shape: {
      partitions: options.whole('partitions') ?? DEFAULT_SHAPE.partitions,
      shards: options.whole('shards') ?? DEFAULT_SHAPE.shards,
    },
    replicas: options.text('replicas') === '3' ? 3 : 1,
    signal,
  })
  const names = (list: readonly string[]): string => (list.length === 0 ? 'none' : list.join(', '))
  output.tell(`made: ${names(created)}\nthere already: ${names(present)}`, {
    event: 'store-initialised',
    created,
    present,
  })
}

function dataOf({ options, env }: Invocation): InitStoreOptions['data'] | undefined {
  const storeDir = options.text('nats-data')
  const isFirst = options.flag('first-installation')
  if (storeDir !== undefined && isFirst) {
    throw new UsageError('--nats-data and --first-installation exclude each other')
  }
  if (isFirst) return 'first-installation'
  if (storeDir === undefined) return undefined
  const key = env[NATS_KEY_VARIABLE]
  if (!key) throw new UsageError(`--nats-data needs the key of the store in $${NATS_KEY_VARIABLE}`)
  return { storeDir, encryptionKey: new Secret(Buffer.from(key, 'latin1')) }
}
