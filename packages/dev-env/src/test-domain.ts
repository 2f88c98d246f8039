import { join } from 'node:path'
import { Secret, systemRandom } from '@rollcall/core'
import { createTrustDomain } from '@rollcall/pki'
import { createNatsKey, NATS_SERVER_ROLE, type StoreService, storeAdminRole, storeBackupRole } from '@rollcall/store'
import { writePrivateFile } from './private-file.ts'

export const TRUST_DOMAIN = 'rollcall.test'
export const PORT = 14222
/** Streams of a test are small: the sum of them is reserved. */
export const STREAM_BYTES: number = 256 * 1024 * 1024
export const FILE_STORE_BYTES: number = 64 * 1024 * 1024 * 1024

/** Certificates of NATS, on all `addresses`, of the services, of who makes their streams and of who reads them. */
export async function createTestTrustDomain(
  folder: string,
  addresses: readonly string[],
  services: readonly StoreService[],
): Promise<void> {
  const client = (role: string) => ({ name: role, role, dnsNames: [] })
  await createTrustDomain({
    folder: pkiFolderOf(folder),
    trustDomain: TRUST_DOMAIN,
    leaves: [
      { name: NATS_SERVER_ROLE, role: NATS_SERVER_ROLE, dnsNames: ['nats'], ipAddresses: addresses },
      ...services.flatMap((service) => [service, storeAdminRole(service), storeBackupRole(service)].map(client)),
    ],
  })
}

/** An authority that signs NATS servers and nothing else, for the routes between them. */
export async function createRouteAuthority(folder: string, addresses: readonly string[]): Promise<void> {
  await createTrustDomain({
    folder: routePkiFolderOf(folder),
    trustDomain: TRUST_DOMAIN,
    leaves: [{ name: NATS_SERVER_ROLE, role: NATS_SERVER_ROLE, dnsNames: ['nats'], ipAddresses: addresses }],
  })
}

/** The key of JetStream's encryption at rest, made once. */
export async function obtainEncryptionKey(folder: string): Promise<Secret> {
  const file = join(folder, 'nats-encryption.key')
  return new Secret(await writePrivateFile(file, createNatsKey(systemRandom).reveal().toString('latin1')))
}

export function storeDirOf(folder: string): string {
  return join(folder, 'nats', 'jetstream')
}

export function pkiFolderOf(folder: string): string {
  return join(folder, 'pki')
}

export function routePkiFolderOf(folder: string): string {
  return join(folder, 'route-pki')
}
