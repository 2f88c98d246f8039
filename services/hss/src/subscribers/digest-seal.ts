import type { Impi, Secret } from '@rollcall/core'
import type { RecordSealer, SealContext } from './bucket.ts'
import { RECORD_VERSION } from './record.ts'
import type { DigestPassword } from './subscriber.ts'

/** Whose password: which record it lies in is part of that. */
export interface PasswordOwner {
  readonly recordKey: string
  readonly impi: Impi
}

/** Seals the hashes that stand for a password, for this user and realm alone. */
export function sealHa1(
  sealer: RecordSealer,
  owner: PasswordOwner & { readonly realm: string },
  ha1: Secret,
): DigestPassword {
  return { realm: owner.realm, sealedHa1: sealer.seal(ha1, contextOf(owner, owner.realm)) }
}

/** @throws the sealer's error when the octets were not sealed for this user and realm. */
export function openHa1(sealer: RecordSealer, owner: PasswordOwner, { realm, sealedHa1 }: DigestPassword): Secret {
  return sealer.open(sealedHa1, contextOf(owner, realm))
}

function contextOf({ recordKey, impi }: PasswordOwner, realm: string): SealContext {
  // guard: ha1-owner — a sealed password opens for its own user and realm alone
  return { recordKey: [recordKey, impi, 'ha1', realm].join('/'), version: RECORD_VERSION }
}
