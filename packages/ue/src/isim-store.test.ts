import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { generateVector, newIsimState } from '@rollcall/aka'
import { IsimFileError } from './errors.ts'
import { Isim } from './isim.ts'
import { fileIsimStore } from './isim-store.ts'
import { KEYS } from './testing/world.ts'

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-isim-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('an ISIM without a file has seen no challenge', () =>
  withFolder(async (folder) => {
    assert.deepEqual(await fileIsimStore(join(folder, 'none.state')).load(), newIsimState())
  }))

test('an answered challenge is on disk, for its owner alone, and is not answered twice (TS 33.102 clause 6.3.3)', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'alice.json.state')
    const { rand, autn } = generateVector(KEYS, { sqn: 64n, amf: Buffer.alloc(2), rand: Buffer.alloc(16, 7) })
    assert.equal((await new Isim(KEYS, fileIsimStore(file)).answer(rand, autn)).kind, 'success')
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(folder), ['alice.json.state'], 'nothing is left beside it')
    assert.equal((await new Isim(KEYS, fileIsimStore(file)).answer(rand, autn)).kind, 'sync-failure')
  }))

test('a damaged file is an error, not a fresh ISIM', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'alice.json.state')
    for (const text of ['', '{', '{"sqnArray":["1"]}']) {
      await writeFile(file, text)
      await assert.rejects(fileIsimStore(file).load(), IsimFileError)
    }
  }))

test('one at a time has the ISIM, in this process or another; a lock that was left behind is taken away', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'alice.json.state')
    let inside = 0
    const work = async (): Promise<void> => {
      inside += 1
      assert.equal(inside, 1)
      await fileIsimStore(file).save(newIsimState())
      inside -= 1
    }
    await Promise.all(Array.from({ length: 5 }, () => fileIsimStore(file).exclusively(work)))
    const lock = `${file}.lock`
    await writeFile(lock, '')
    await utimes(lock, 0, 0)
    await fileIsimStore(file).exclusively(work)
    assert.deepEqual(await readdir(folder), ['alice.json.state'])
  }))

test('registration and bootstrapping share an ISIM: of two challenges at once neither SQN is forgotten (TS 33.102 annex C.2)', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'alice.json.state')
    const answers = [32n, 33n].map((sqn) => {
      const { rand, autn } = generateVector(KEYS, { sqn, amf: Buffer.alloc(2), rand: Buffer.alloc(16, 7) })
      return new Isim(KEYS, fileIsimStore(file)).answer(rand, autn)
    })
    for (const { kind } of await Promise.all(answers)) assert.equal(kind, 'success')
    const { sqnArray } = await fileIsimStore(file).load()
    assert.deepEqual(sqnArray.slice(0, 2), [1n, 1n])
  }))
