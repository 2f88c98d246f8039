import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemRandom } from '@rollcall/core'
import { createNatsKey } from '../nats/nats-key.ts'
import { LedgerMissingError, NatsKeyMismatchError } from './errors.ts'
import { ledgerFileOf } from './ledger.ts'
import { prepareDataFolder } from './prepare-data-folder.ts'

test('the key of a new folder is noted at its first start, and another one is refused at the next', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-prepare-'))
  t.after(async () => await rm(folder, { recursive: true }))
  const storeDir = join(folder, 'nats', 'jetstream')
  const encryptionKey = createNatsKey(systemRandom)
  assert.deepEqual(await prepareDataFolder({ storeDir, encryptionKey }), [])
  assert.equal((await stat(ledgerFileOf(storeDir))).mode & 0o777, 0o600)
  await mkdir(join(storeDir, 'jetstream', 'HSS', 'streams', 'KV_hss'), { recursive: true })
  assert.deepEqual(await prepareDataFolder({ storeDir, encryptionKey }), [])
  await assert.rejects(
    prepareDataFolder({ storeDir, encryptionKey: createNatsKey(systemRandom) }),
    NatsKeyMismatchError,
  )
})

test('streams without a note of their key are not started on', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-prepare-'))
  t.after(async () => await rm(folder, { recursive: true }))
  const storeDir = join(folder, 'jetstream')
  await mkdir(join(storeDir, 'jetstream', 'HSS', 'streams', 'KV_hss'), { recursive: true })
  const prepared = prepareDataFolder({ storeDir, encryptionKey: createNatsKey(systemRandom) })
  await assert.rejects(prepared, LedgerMissingError)
})

test('an empty block that a killed server left without its key is removed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-prepare-'))
  t.after(async () => await rm(folder, { recursive: true }))
  const storeDir = join(folder, 'jetstream')
  const encryptionKey = createNatsKey(systemRandom)
  await prepareDataFolder({ storeDir, encryptionKey })
  const stream = join(storeDir, 'jetstream', 'HSS', 'streams', 'KV_hss')
  await mkdir(join(stream, 'msgs'), { recursive: true })
  await writeFile(join(stream, 'meta.key'), 'key')
  await writeFile(join(stream, 'msgs', '7.blk'), '')
  assert.deepEqual(await prepareDataFolder({ storeDir, encryptionKey }), [join(stream, 'msgs', '7.blk')])
})
