import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { Random, Secret } from '@rollcall/core'
import { BackupFileError } from './errors.ts'

/*
 * A sealed file, numbers big-endian:
 *
 *   octets 0-3    "RCSF"
 *   octet  4      version of this format, 1
 *   octets 5-36   salt
 *   then segments: octets of ciphertext (4), ciphertext, tag (16)
 *
 * AES-256-GCM under a key that HKDF-SHA-256 derives from the file's key and the salt. The nonce is the segment's number. Associated
 * data: the 37 octets of the head, and 1 for the last segment or 0: nothing can be cut off, exchanged or taken from another
 * file. The last segment may be empty.
 */

const MAGIC = 'RCSF'
const FORMAT_VERSION = 1
const CIPHER = 'aes-256-gcm'
const SALT_OCTETS = 32
const HEAD_OCTETS = 4 + 1 + SALT_OCTETS
const TAG_OCTETS = 16
const LENGTH_OCTETS = 4
/** Octets that are sealed together: what reader and writer hold in memory. */
const SEGMENT_OCTETS = 1024 * 1024
const KEY_INFO = 'rollcall sealed file 1'

/** Writes a sealed file, from front to back. */
export class SealedFileWriter {
  readonly #handle: FileHandle
  readonly #key: Buffer
  readonly #head: Buffer
  #waiting: Buffer[] = []
  #octets = 0
  #segments = 0

  private constructor(handle: FileHandle, key: Buffer, head: Buffer) {
    this.#handle = handle
    this.#key = key
    this.#head = head
  }

  /** Makes the file, readable for its owner alone. @throws the file system's error, EEXIST when it is there */
  static async create(file: string, key: Secret, random: Random): Promise<SealedFileWriter> {
    const salt = random.bytes(SALT_OCTETS)
    const head = Buffer.concat([Buffer.from(MAGIC, 'latin1'), Buffer.of(FORMAT_VERSION), salt])
    const handle = await open(file, 'wx', 0o600)
    await handle.write(head)
    return new SealedFileWriter(handle, deriveKey(key, salt), head)
  }

  /** Takes octets; resolves when there is room for more. They must not change afterwards. */
  async write(octets: Buffer): Promise<void> {
    this.#waiting.push(octets)
    this.#octets += octets.length
    while (this.#octets > SEGMENT_OCTETS) await this.#seal(SEGMENT_OCTETS, false)
  }

  /** Ends the file; when it resolves all of it is on disk. */
  async finish(): Promise<void> {
    await this.#seal(this.#octets, true)
    await this.#handle.sync()
    await this.#handle.close()
  }

  /** Leaves the file as it is: no reader will take it. */
  async abandon(): Promise<void> {
    await this.#handle.close()
  }

  async #seal(octets: number, isLast: boolean): Promise<void> {
    const all = Buffer.concat(this.#waiting)
    this.#waiting = [all.subarray(octets)]
    this.#octets -= octets
    const cipher = createCipheriv(CIPHER, this.#key, nonceOf(this.#segments))
    cipher.setAAD(associatedData(this.#head, isLast))
    const ciphertext = Buffer.concat([cipher.update(all.subarray(0, octets)), cipher.final()])
    const length = Buffer.alloc(LENGTH_OCTETS)
    length.writeUInt32BE(ciphertext.length)
    await this.#handle.write(Buffer.concat([length, ciphertext, cipher.getAuthTag()]))
    this.#segments += 1
  }
}

/**
 * Gives the octets of a sealed file, segment by segment; each is authentic when it is given, and at the end the file is whole.
 *
 * @throws BackupFileError
 */
export async function* readSealedFile(file: string, key: Secret): AsyncGenerator<Buffer, void, undefined> {
  const handle = await openFile(file)
  try {
    const head = await readExactly(handle, HEAD_OCTETS)
    if (!head || head.toString('latin1', 0, 4) !== MAGIC) throw new BackupFileError(file, 'this is no backup')
    if (head[4] !== FORMAT_VERSION) throw new BackupFileError(file, `it has format version ${head[4]}`)
    const derived = deriveKey(key, head.subarray(5))
    const { size } = await handle.stat()
    let at = HEAD_OCTETS
    for (let segment = 0, isLast = false; !isLast; segment += 1) {
      const length = (await readExactly(handle, LENGTH_OCTETS))?.readUInt32BE()
      if (length === undefined || length > SEGMENT_OCTETS) throw cutOff(file, segment)
      const sealed = await readExactly(handle, length + TAG_OCTETS)
      if (!sealed) throw cutOff(file, segment)
      at += LENGTH_OCTETS + sealed.length
      isLast = at === size
      yield unseal(file, derived, segment, sealed, associatedData(head, isLast))
    }
  } finally {
    await handle.close()
  }
}

function unseal(file: string, key: Buffer, segment: number, sealed: Buffer, aad: Buffer): Buffer {
  const decipher = createDecipheriv(CIPHER, key, nonceOf(segment), { authTagLength: TAG_OCTETS })
  decipher.setAAD(aad).setAuthTag(sealed.subarray(sealed.length - TAG_OCTETS))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_OCTETS)), decipher.final()])
  } catch {
    const detail =
      segment === 0 ? 'the key is another one, or it is damaged' : `damaged or cut off at segment ${segment}`
    throw new BackupFileError(file, detail)
  }
}

async function openFile(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'r')
  } catch (cause) {
    throw new BackupFileError(file, 'it cannot be read', cause)
  }
}

/** Undefined when the file ends before that. */
async function readExactly(handle: FileHandle, octets: number): Promise<Buffer | undefined> {
  const buffer = Buffer.alloc(octets)
  for (let have = 0; have < octets; ) {
    const { bytesRead } = await handle.read(buffer, have, octets - have)
    if (bytesRead === 0) return undefined
    have += bytesRead
  }
  return buffer
}

function cutOff(file: string, segment: number): BackupFileError {
  return new BackupFileError(file, `damaged or cut off at segment ${segment}`)
}

function deriveKey(key: Secret, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key.reveal(), salt, KEY_INFO, 32))
}

function nonceOf(segment: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32BE(segment, 8)
  return nonce
}

function associatedData(head: Buffer, isLast: boolean): Buffer {
  // guard: backup-end — a backup that was cut off between segments is none
  return Buffer.concat([head, Buffer.of(isLast ? 1 : 0)])
}
