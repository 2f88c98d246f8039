import { crc32, inflateRawSync } from 'node:zlib'
import { ArchiveError } from './errors.ts'

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const LOCAL_ENTRY = 0x04034b50
/** The end record is 22 octets and a comment of at most 64 kB. */
const END_OCTETS = 22
const COMMENT_OCTETS_MAX = 0xffff
/** Far above any nats-server; a bound on what an archive can make us allocate. */
const ENTRY_OCTETS_MAX = 256 * 1024 * 1024
const STORED = 0
const DEFLATED = 8

/**
 * Takes out of a zip archive the one file whose path matches, its checksum verified. Not for archives above 4 GB
 * (zip64), encrypted ones, or any method but stored and deflated.
 *
 * @throws ArchiveError
 * @see APPNOTE.TXT (PKWARE) sections 4.3.7, 4.3.12 and 4.3.16
 */
export function unzipEntry(archive: Buffer, path: RegExp): Buffer {
  const end = findEnd(archive)
  const count = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  for (let entry = 0; entry < count; entry += 1) {
    if (at + 46 > archive.length || archive.readUInt32LE(at) !== DIRECTORY_ENTRY) {
      throw new ArchiveError('the archive has a broken directory')
    }
    const nameOctets = archive.readUInt16LE(at + 28)
    const name = archive.toString('utf8', at + 46, at + 46 + nameOctets)
    if (path.test(name)) return extract(archive, at, name)
    at += 46 + nameOctets + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  throw new ArchiveError(`the archive has no file that matches ${path}`)
}

function findEnd(archive: Buffer): number {
  const lowest = Math.max(0, archive.length - END_OCTETS - COMMENT_OCTETS_MAX)
  for (let at = archive.length - END_OCTETS; at >= lowest; at -= 1) {
    if (archive.readUInt32LE(at) === END_OF_DIRECTORY) return at
  }
  throw new ArchiveError('this is no zip archive')
}

function extract(archive: Buffer, entry: number, name: string): Buffer {
  const method = archive.readUInt16LE(entry + 10)
  const checksum = archive.readUInt32LE(entry + 16)
  const packedOctets = archive.readUInt32LE(entry + 20)
  const octets = archive.readUInt32LE(entry + 24)
  const local = archive.readUInt32LE(entry + 42)
  if (octets > ENTRY_OCTETS_MAX) throw new ArchiveError(`${name} is too large`)
  if (local + 30 > archive.length || archive.readUInt32LE(local) !== LOCAL_ENTRY) {
    throw new ArchiveError(`${name} has no local header`)
  }
  const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
  const packed = archive.subarray(start, start + packedOctets)
  const content = inflate(packed, method, octets, name)
  if (content.length !== octets || crc32(content) !== checksum) throw new ArchiveError(`${name} is damaged`)
  return content
}

function inflate(packed: Buffer, method: number, octets: number, name: string): Buffer {
  if (method === STORED) return packed
  if (method !== DEFLATED) throw new ArchiveError(`${name} is packed by an unknown method`)
  try {
    return inflateRawSync(packed, { maxOutputLength: octets + 1 })
  } catch (cause) {
    throw new ArchiveError(`${name} is damaged`, { cause })
  }
}
