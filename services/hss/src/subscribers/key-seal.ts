import type { AkaKeys } from '@rollcall/aka'
import type { Impi } from '@rollcall/core'
import type { RecordSealer, SealContext } from './bucket.ts'
import { openHa1, sealHa1 } from './digest-seal.ts'
import { RECORD_VERSION } from './record.ts'
import type { NewPrivateUser, PrivateUser } from './subscriber.ts'

const ABSENT = Buffer.alloc(0)

/**
 * Seals K and OPc or TOPc of a user for the record `recordKey`. Which key it is and whose it is are part of the context, so that
 * nobody who can write the store can swap two of them.
 */
export function sealKeys(sealer: RecordSealer, recordKey: string, user: NewPrivateUser): PrivateUser {
  return {
    impi: user.impi,
    sealedK: sealer.seal(user.k, contextOf(recordKey, user.impi, 'k')),
    sealedOpc: 'topc' in user ? ABSENT : sealer.seal(user.opc, contextOf(recordKey, user.impi, 'opc')),
    sealedTopc: 'topc' in user ? sealer.seal(user.topc, contextOf(recordKey, user.impi, 'topc')) : ABSENT,
    amf: user.amf,
    initialSqn: user.initialSqn,
    guss: undefined,
    digestPasswords: [],
  }
}

/** Whether the AuC makes vectors for `user` by TUAK (TS 35.231), and not by Milenage. */
export function usesTuak(user: PrivateUser): boolean {
  return user.sealedTopc.length > 0
}

/** @throws the sealer's error when the octets were not sealed for this record, user and key. */
export function openKeys(sealer: RecordSealer, recordKey: string, user: PrivateUser): AkaKeys {
  const k = sealer.open(user.sealedK, contextOf(recordKey, user.impi, 'k'))
  if (usesTuak(user)) return { k, topc: sealer.open(user.sealedTopc, contextOf(recordKey, user.impi, 'topc')) }
  return { k, opc: sealer.open(user.sealedOpc, contextOf(recordKey, user.impi, 'opc')) }
}

/** Whether another key than the current one sealed anything of `user`, its passwords too. */
export function needsResealing(sealer: RecordSealer, user: PrivateUser): boolean {
  const all = [user.sealedK, usesTuak(user) ? user.sealedTopc : user.sealedOpc]
  for (const { sealedHa1 } of user.digestPasswords) all.push(sealedHa1)
  return all.some((sealed) => sealer.needsResealing(sealed))
}

/**
 * `user` sealed by the current key; the very same when it is already.
 *
 * @throws as `openKeys`.
 */
export function resealKeys(sealer: RecordSealer, recordKey: string, user: PrivateUser): PrivateUser {
  if (!needsResealing(sealer, user)) return user
  const { impi, amf, initialSqn, guss } = user
  const digestPasswords = user.digestPasswords.map((password) => {
    return sealHa1(sealer, { recordKey, impi, realm: password.realm }, openHa1(sealer, { recordKey, impi }, password))
  })
  const sealed = sealKeys(sealer, recordKey, { impi, amf, initialSqn, ...openKeys(sealer, recordKey, user) })
  return { ...sealed, guss, digestPasswords }
}

function contextOf(recordKey: string, impi: Impi, name: 'k' | 'opc' | 'topc'): SealContext {
  // guard: key-owner — a sealed key opens for its own user and name alone
  return { recordKey: [recordKey, impi, name].join('/'), version: RECORD_VERSION }
}
