import { readFile } from 'node:fs/promises'
import { Hmac, type Random, Secret } from '@rollcall/core'
import { KeyFileError } from './errors.ts'

/** 96 bits: no two of a billion identities meet, and nobody reads them back without the key. */
const HASH_LETTERS = 16
const KEY_OCTETS_MIN = 32

/** Turns an identity into something that can be followed through logs and spans without being told. */
export type IdentityHash = (identity: string) => string

/** HMAC-SHA-256 with `key`, shortened. The same key gives the same hash in every service. */
export function createIdentityHash(key: Secret): IdentityHash {
  const hmac = new Hmac('sha256', key)
  return (identity) =>
    Buffer.from(hmac.digest(Buffer.from(identity)), 'latin1')
      .toString('base64url')
      .slice(0, HASH_LETTERS)
}

/**
 * Reads the key from a file of 32 octets or more, or makes one for this process when there is no file.
 *
 * @throws KeyFileError when the file cannot be read or is too short.
 */
export async function loadIdentityHash(file: string | undefined, random: Random): Promise<IdentityHash> {
  if (file === undefined) return createIdentityHash(new Secret(random.bytes(KEY_OCTETS_MIN)))
  const octets = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new KeyFileError(file, `cannot be read (${cause.code})`, { cause })
  })
  if (octets.length < KEY_OCTETS_MIN) throw new KeyFileError(file, `holds fewer than ${KEY_OCTETS_MIN} octets`)
  return createIdentityHash(new Secret(octets))
}
