import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { seededRandom } from '@rollcall/core'
import { SealingKeysError } from './errors.ts'
import { Sealer } from './sealer.ts'
import { createSealingKeys, readSealingKeys } from './sealing-keys.ts'

const folder = await mkdtemp(join(tmpdir(), 'rollcall-sealing-'))
after(() => rm(folder, { recursive: true }))
const KEY = Buffer.alloc(32, 7).toString('base64')

async function fileOf(content: unknown): Promise<string> {
  const file = join(folder, 'keys.json')
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

test('a fresh file is readable, and the key that hashes come from is not the one that seals', async () => {
  const keys = await readSealingKeys(await fileOf(createSealingKeys(seededRandom('a'))))
  assert.equal(keys.current, 'k1')
  assert.equal(keys.hash, 'h1')
  assert.deepEqual(
    [...keys.keys.values()].map(({ length }) => length),
    [32, 32],
  )
})

test('one key needs no "hash"; from the second key on it must be named, since hashes must not change', async () => {
  assert.equal((await readSealingKeys(await fileOf({ current: 'a', keys: { a: KEY } }))).hash, 'a')
  await assert.rejects(readSealingKeys(await fileOf({ current: 'b', keys: { a: KEY, b: KEY } })), /"hash"/)
  assert.equal((await readSealingKeys(await fileOf({ current: 'b', hash: 'a', keys: { a: KEY, b: KEY } }))).hash, 'a')
})

test('refuses what is no file of keys, and never quotes it', async () => {
  const secret = 'c2VjcmV0'
  for (const content of [
    secret,
    `{"current": "a", "keys": {"a": "${secret}"`,
    [secret],
    { current: 'a', keys: { a: secret } },
    { current: 'a', keys: secret },
    { current: 'b', keys: { a: KEY } },
    { current: 'a', hash: 'b', keys: { a: KEY } },
    { current: 'a', keys: { a: KEY }, key: 1 },
    { current: 'a b', keys: { 'a b': KEY } },
  ]) {
    await assert.rejects(Sealer.load(await fileOf(content)), (error: Error) => {
      assert.ok(error instanceof SealingKeysError)
      assert.ok(!`${error.stack}${String(error.cause)}`.includes(secret))
      return true
    })
  }
  await assert.rejects(Sealer.load(join(folder, 'absent.json')), SealingKeysError)
})
