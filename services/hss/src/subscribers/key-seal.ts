import type { MilenageKeys } from '@rollcall/aka'
import type { Impi } from '@rollcall/core'
import type { RecordSealer, SealContext } from './bucket.ts'
import { RECORD_VERSION } from './record.ts'
import type { NewPrivateUser, PrivateUser } from './subscriber.ts'

/**
 * Seals K and OPc of a user for the record `recordKey`. Which key it is and whose it is are part of the context, so that
 * nobody who can write the store can swap two of them.
 */
export function sealKeys(sealer: RecordSealer, recordKey: string, user: NewPrivateUser): PrivateUser {
  return {
    impi: user.impi,
    sealedK: sealer.seal(user.k, contextOf(recordKey, user.impi, 'k')),
    sealedOpc: sealer.seal(user.opc, contextOf(recordKey, user.impi, 'opc')),
    amf: user.amf,
    initialSqn: user.initialSqn,
  }
}

/** @throws the sealer's error when the octets were not sealed for this record, user and key. */
export function openKeys(sealer: RecordSealer, recordKey: string, user: PrivateUser): MilenageKeys {
  return {
    k: sealer.open(user.sealedK, contextOf(recordKey, user.impi, 'k')),
    opc: sealer.open(user.sealedOpc, contextOf(recordKey, user.impi, 'opc')),
  }
}

/** Whether another key than the current one sealed anything of `user`. */
export function needsResealing(sealer: RecordSealer, user: PrivateUser): boolean {
  return sealer.needsResealing(user.sealedK) || sealer.needsResealing(user.sealedOpc)
}

/**
 * `user` sealed by the current key; the very same when it is already.
 *
 * @throws as `openKeys`.
 */
export function resealKeys(sealer: RecordSealer, recordKey: string, user: PrivateUser): PrivateUser {
  if (!needsResealing(sealer, user)) return user
  return sealKeys(sealer, recordKey, { ...user, ...openKeys(sealer, recordKey, user) })
}

function contextOf(recordKey: string, impi: Impi, name: 'k' | 'opc'): SealContext {
  // guard: key-owner — a sealed key opens for its own user and name alone
  return { recordKey: [recordKey, impi, name].join('/'), version: RECORD_VERSION }
}
