import { readFile, writeFile } from 'node:fs/promises'
import { type Random, Secret } from '@rollcall/core'
import { BackupKeyError } from './errors.ts'

const KEY_OCTETS = 32
const BASE64_32_OCTETS = /^[A-Za-z0-9+/]{43}=\n?$/

/**
 * Reads the key that seals backups: base64 of 32 octets, as `openssl rand -base64 32` writes it.
 *
 * @throws BackupKeyError
 */
export async function readBackupKey(file: string): Promise<Secret> {
  let text: string
  try {
    text = await readFile(file, 'latin1')
  } catch (cause) {
    throw new BackupKeyError(file, 'it cannot be read', cause)
  }
  if (!BASE64_32_OCTETS.test(text)) throw new BackupKeyError(file, `it must be base64 of ${KEY_OCTETS} octets`)
  return new Secret(Buffer.from(text, 'base64'))
}

/** Writes a fresh key to a file that is not there yet. @throws BackupKeyError */
export async function createBackupKey(file: string, random: Random): Promise<void> {
  const text = `${random.bytes(KEY_OCTETS).toString('base64')}\n`
  try {
    await writeFile(file, text, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    throw new BackupKeyError(file, 'it cannot be written, or is there already', cause)
  }
}
