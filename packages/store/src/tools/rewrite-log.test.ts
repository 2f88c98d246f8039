import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publish } from '../jetstream-api.ts'
import { encodeManifest } from '../snapshot/manifest.ts'
import { MemoryStream } from '../testing/memory-link.ts'
import { MEMORY_LOG, MEMORY_SNAPSHOTS, takeOver } from '../testing/memory-partition.ts'
import { LogRewriter } from './rewrite-log.ts'

/** Writes a partition anew in a stream that begins far behind the old one. */
async function rewritten(stream: MemoryStream): Promise<MemoryStream> {
  const manifest = stream.matching(MEMORY_SNAPSHOTS.manifest).at(-1)?.data.toString() ?? null
  const rewriter = new LogRewriter(manifest)
  const fresh = new MemoryStream()
  const link = fresh.link()
  fresh.skipTo(1_000)
  const publishTo = async (subject: string, data: Buffer, expected: number): Promise<number> => {
    const answer = await link.settle(publish(link, { subject, data, expected, timeoutMs: 1_000 }))
    assert.ok(answer.ok)
    return answer.sequence
  }
  for (const { subject, data } of stream.matching(MEMORY_SNAPSHOTS.chunks)) await publishTo(subject, data, 0)
  let last = 0
  for (const { sequence, data } of stream.matching(MEMORY_LOG)) {
    last = await publishTo(MEMORY_LOG, rewriter.rewrite(data), last)
    rewriter.published(data, sequence, last)
  }
  const named = rewriter.manifest()
  if (named) await publishTo(MEMORY_SNAPSHOTS.manifest, encodeManifest(named), 0)
  return fresh
}

async function loaded(stream: MemoryStream): Promise<string[]> {
  const found: string[] = []
  await takeOver(stream.link(), ({ record, fromSnapshot }) => void found.push(`${fromSnapshot ? 's' : 'l'} ${record}`))
  return found
}

test('a log of several epochs loads the same when it is written anew, and goes on', async () => {
  const stream = new MemoryStream()
  for (const text of ['a', 'b', 'c']) {
    const link = stream.link()
    const owned = await takeOver(link, () => {})
    await link.settle(owned.append(Buffer.from(text)))
  }
  const fresh = await rewritten(stream)
  const expected = ['l a', 'l b', 'l c']
  assert.deepEqual(await loaded(fresh), expected)
  assert.ok((fresh.matching(MEMORY_LOG)[0]?.sequence ?? 0) > 1_000)
  const link = fresh.link()
  const owned = await takeOver(link, () => {})
  await link.settle(owned.append(Buffer.from('d')))
  assert.deepEqual(await loaded(fresh), [...expected, 'l d'])
})

test('a snapshot with its mark, and the epochs before and behind it, load the same; the next snapshot replaces it', async () => {
  const stream = new MemoryStream()
  const link = stream.link()
  const owned = await takeOver(link, () => {})
  await link.settle(owned.append(Buffer.from('forgotten')))
  await link.settle(owned.snapshot([Buffer.from('one'), Buffer.from('two')]))
  await link.settle(owned.append(Buffer.from('of the same owner')))
  const next = await takeOver(link, () => {})
  await link.settle(next.append(Buffer.from('of the next')))
  const fresh = await rewritten(await rewritten(stream))
  const expected = ['s one', 's two', 'l of the same owner', 'l of the next']
  assert.deepEqual(await loaded(fresh), expected)
  const freshLink = fresh.link()
  const last = await takeOver(freshLink, () => {})
  await freshLink.settle(last.snapshot([Buffer.from('new')]))
  assert.deepEqual(await loaded(fresh), ['s new'])
})

test('a log without a manifest stays one', async () => {
  const stream = new MemoryStream()
  await takeOver(stream.link(), () => {})
  stream.purge({ filter: MEMORY_SNAPSHOTS.manifest })
  const fresh = await rewritten(stream)
  assert.equal(fresh.matching(MEMORY_SNAPSHOTS.manifest).length, 0)
  assert.deepEqual(await loaded(fresh), [])
})
