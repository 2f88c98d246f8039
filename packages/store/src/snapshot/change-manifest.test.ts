import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FencedError } from '../errors.ts'
import { MEMORY_STREAM, MemoryStream } from '../testing/memory-link.ts'
import { MEMORY_SNAPSHOTS } from '../testing/memory-partition.ts'
import { changeManifest } from './change-manifest.ts'
import { decodeManifest, type Manifest } from './manifest.ts'

/** A manifest that owners of these epochs change, one after the other. */
async function changeAs(stream: MemoryStream, epoch: bigint): Promise<Manifest> {
  const link = stream.link()
  const { manifest: subject } = MEMORY_SNAPSHOTS
  const change = (): Manifest => ({ owner: Number(epoch), snapshot: undefined })
  const changed = changeManifest(link, {
    stream: MEMORY_STREAM,
    subject,
    partition: '0',
    epoch,
    timeoutMs: 1_000,
    change,
  })
  return (await link.settle(changed)).manifest
}

test('an owner that was replaced changes no manifest of its successor, also without a race (docs/decisions/008)', async () => {
  const stream = new MemoryStream()
  assert.equal((await changeAs(stream, 5n)).owner, 5)
  assert.equal((await changeAs(stream, 9n)).owner, 9)
  await assert.rejects(changeAs(stream, 5n), FencedError)
  const kept = stream.matching(MEMORY_SNAPSHOTS.manifest).at(-1)
  assert.equal(decodeManifest(kept?.data ?? assert.fail('a manifest')).owner, 9)
})
