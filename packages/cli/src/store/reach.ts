import { join } from 'node:path'
import { Secret } from '@rollcall/core'
import {
  type DataFolder,
  type InitStoreOptions,
  NATS_KEY_VARIABLE,
  STORE_SERVICES,
  type StoreService,
  type StoreTls,
  storeAdminRole,
  storeBackupRole,
} from '@rollcall/store'
import type { Invocation } from '../command/command.ts'
import { dataDirOf, pkiFolderOf } from '../data-dir.ts'
import { UsageError } from '../errors.ts'

const URL_DEFAULT = 'tls://127.0.0.1:14222'

/** Where the store is. */
export function urlOf({ options, env }: Invocation): string {
  return options.text('url') ?? env.ROLLCALL_NATS_URL ?? URL_DEFAULT
}

/** The services that are meant; all unless some are named. */
export function servicesOf({ options }: Invocation): readonly StoreService[] {
  const only = options.list('service')
  return only.length === 0 ? STORE_SERVICES : STORE_SERVICES.filter((service) => only.includes(service))
}

/** The certificates of who makes streams. */
export function adminTlsOf(invocation: Invocation): (service: StoreService) => StoreTls {
  return (service) => tlsOf(invocation, storeAdminRole(service))
}

/** The certificates of who reads everything. */
export function backupTlsOf(invocation: Invocation): (service: StoreService) => StoreTls {
  return (service) => tlsOf(invocation, storeBackupRole(service))
}

function tlsOf({ options, env }: Invocation, role: string): StoreTls {
  const folder = options.text('tls-dir') ?? pkiFolderOf(dataDirOf(options, env))
  return {
    certFile: join(folder, `${role}.crt`),
    keyFile: join(folder, `${role}.key`),
    caFile: join(folder, 'ca.crt'),
  }
}

/** What is said of the data. @throws UsageError */
export function dataOf(invocation: Invocation): InitStoreOptions['data'] | undefined {
  const { options } = invocation
  const isFirst = options.flag('first-installation')
  if (options.text('nats-data') === undefined) return isFirst ? 'first-installation' : undefined
  if (isFirst) throw new UsageError('--nats-data and --first-installation exclude each other')
  return dataFolderOf(invocation)
}

/** The data folder of a nats-server on this machine, with its key. @throws UsageError */
export function dataFolderOf({ options, env }: Invocation): DataFolder {
  const storeDir = options.text('nats-data')
  if (storeDir === undefined) throw new UsageError('--nats-data is missing')
  const key = env[NATS_KEY_VARIABLE]
  if (!key) throw new UsageError(`--nats-data needs the key of the store in $${NATS_KEY_VARIABLE}`)
  return { storeDir, encryptionKey: new Secret(Buffer.from(key, 'latin1')) }
}
