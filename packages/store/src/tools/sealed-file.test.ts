import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Secret, seededRandom } from '@rollcall/core'
import { createBackupKey, readBackupKey } from './backup-key.ts'
import { BackupFileError, BackupKeyError } from './errors.ts'
import { readSealedFile, SealedFileWriter } from './sealed-file.ts'

const root = await mkdtemp(join(tmpdir(), 'rollcall-sealed-'))
after(() => rm(root, { recursive: true }))
const random = seededRandom('sealed file')
const key = new Secret(random.bytes(32))

async function write(name: string, pieces: readonly Buffer[], by: Secret = key): Promise<string> {
  const file = join(root, name)
  const writer = await SealedFileWriter.create(file, by, random)
  for (const piece of pieces) await writer.write(piece)
  await writer.finish()
  return file
}

async function read(file: string, by: Secret = key): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of readSealedFile(file, by)) pieces.push(piece)
  return Buffer.concat(pieces)
}

const refused = (file: string, by?: Secret) => assert.rejects(read(file, by), BackupFileError)

test('what was sealed is read, whatever its length', async () => {
  const megabyte = 1024 * 1024
  for (const lengths of [[], [0], [1], [megabyte], [megabyte + 1], [3 * megabyte, 5], [700_000, 700_000, 700_000]]) {
    const pieces = lengths.map((length) => random.bytes(length))
    const file = await write(`lengths ${lengths}`, pieces)
    assert.deepEqual(await read(file), Buffer.concat(pieces), lengths.join())
  }
})

test('a sealed file is its owner’s alone, shows nothing of what is in it, and is not written over', async () => {
  const file = await write('private', [Buffer.from('alice is at home')])
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.ok(!(await readFile(file)).includes('alice'))
  await assert.rejects(write('private', []), { code: 'EEXIST' })
})

test('another key, another octet, an end cut off, segments exchanged or taken from another file: refused', async () => {
  const segments = [random.bytes(1024 * 1024), random.bytes(1024 * 1024), Buffer.from('end')]
  const file = await write('whole', segments)
  await refused(file, new Secret(random.bytes(32)))
  const whole = await readFile(file)
  const altered = join(root, 'altered')
  const sealedSegment = 4 + 1024 * 1024 + 16
  const cases: [string, Buffer][] = [
    ['cut in a segment', whole.subarray(0, whole.length - 1)],
    ['cut between segments', whole.subarray(0, 37 + 2 * sealedSegment)],
    ['cut after the head', whole.subarray(0, 37)],
    ['octets behind it', Buffer.concat([whole, Buffer.of(0)])],
    ['empty', Buffer.alloc(0)],
    [
      'exchanged',
      Buffer.concat([
        whole.subarray(0, 37),
        whole.subarray(37 + sealedSegment, 37 + 2 * sealedSegment),
        whole.subarray(37, 37 + sealedSegment),
        whole.subarray(37 + 2 * sealedSegment),
      ]),
    ],
    [
      'of another file',
      Buffer.concat([(await readFile(await write('other', segments))).subarray(0, 37), whole.subarray(37)]),
    ],
  ]
  for (const at of [0, 4, 5, 36, 37, 40, 41, 5_000, 37 + sealedSegment, whole.length - 1]) {
    const changed = Buffer.from(whole)
    changed[at] = (changed[at] ?? 0) ^ 0x01
    cases.push([`octet ${at}`, changed])
  }
  for (const [what, octets] of cases) {
    await writeFile(altered, octets)
    await assert.rejects(read(altered), BackupFileError, what)
  }
})

test('a key file is made once, and what is no key is refused', async () => {
  const file = join(root, 'backup.key')
  await createBackupKey(file, random)
  assert.equal((await readBackupKey(file)).length, 32)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  await assert.rejects(createBackupKey(file, random), BackupKeyError)
  for (const text of ['', 'short', Buffer.alloc(31).toString('base64'), `${Buffer.alloc(32).toString('base64')}x`]) {
    await writeFile(file, text)
    await assert.rejects(readBackupKey(file), BackupKeyError)
  }
  await assert.rejects(readBackupKey(join(root, 'absent')), BackupKeyError)
})
