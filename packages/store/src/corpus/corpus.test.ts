import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Sealer } from '../sealing/sealer.ts'
import { takeOver } from '../testing/memory-partition.ts'
import { CORPUS, type CorpusRecord, type CorpusSealed, corpusRecordOf, readCorpusStream } from './corpus.ts'

const versions = (await readdir(CORPUS, { withFileTypes: true })).filter((entry) => entry.isDirectory())

test('there is a corpus', () => assert.ok(versions.some(({ name }) => name === 'v1')))

for (const { name: version } of versions) {
  const folder = new URL(`${version}/`, CORPUS)

  for (const name of ['log', 'snapshot']) {
    test(`what a build of format ${version} left in a partition (${name}) is loaded, and written on`, async () => {
      const [stream, { loaded: expected }] = await readCorpusStream(folder, name)
      const loaded: CorpusRecord[] = []
      const link = stream.link()
      const owned = await takeOver(link, (record) => void loaded.push(corpusRecordOf(record)))
      assert.deepEqual(loaded, expected)
      await link.settle(owned.append(Buffer.from('of today')))
      await link.settle(owned.snapshot([Buffer.from('state of today')]))
      const again: string[] = []
      await takeOver(stream.link(), ({ record }) => void again.push(record.toString()))
      assert.deepEqual(again, ['state of today'])
    })
  }

  test(`what a build of format ${version} sealed is opened, and hashes stay`, async () => {
    const sealer = await Sealer.load(fileURLToPath(new URL('sealing-keys.json', folder)))
    const sealed = JSON.parse(await readFile(new URL('sealed.json', folder), 'utf8')) as CorpusSealed
    for (const each of sealed.records) {
      const opened = sealer.open(Buffer.from(each.sealed, 'hex'), each)
      assert.equal(opened.reveal().toString(), each.plaintext, each.recordKey)
    }
    for (const { label, identity, hash } of sealed.hashes) assert.equal(sealer.hash(label, identity), hash, identity)
  })
}
