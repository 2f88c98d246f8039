import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@rollcall/core'
import { EXPECTED_LAST_SUBJECT_SEQUENCE } from '../jetstream-api.ts'
import { decodeLogHeader } from '../log/log-message.ts'
import { Sealer } from '../sealing/sealer.ts'
import { createSealingKeys } from '../sealing/sealing-keys.ts'
import { MemoryStream } from '../testing/memory-link.ts'
import { MEMORY_LOG, MEMORY_SNAPSHOTS, takeOver } from '../testing/memory-partition.ts'
import { CORPUS, type CorpusRecord, type CorpusSealed, type CorpusStream, corpusRecordOf } from './corpus.ts'

/*
 * Writes a folder of the corpus in today's formats: `node packages/store/src/corpus/write-corpus.ts v2`. Run it once a format
 * version, commit what it wrote, and never again for that version: packages/store/corpus/README.md.
 */

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const [version] = process.argv.slice(2)
if (!version || !/^v\d+$/.test(version)) throw new Error('usage: node write-corpus.ts vN')
const folder = join(fileURLToPath(CORPUS), version)
// A folder that is there is a version that was released: this fails then.
await mkdir(folder)
await writeLogOnly()
await writeLogWithSnapshot()
await writeSealed()

/** Two owners, no snapshot: what a store holds whose owners all came before manifests. */
async function writeLogOnly(): Promise<void> {
  const stream = new MemoryStream()
  const loaded = await playTwoOwners(stream)
  stream.purge({ filter: MEMORY_SNAPSHOTS.manifest })
  await writeStream('log', 'a log of two owners, without a manifest', stream, loaded)
}

/** The same, then a snapshot in two chunks, a tail behind it, and a third owner's epoch. */
async function writeLogWithSnapshot(): Promise<void> {
  const stream = new MemoryStream()
  await playTwoOwners(stream)
  const link = stream.link()
  const owned = await takeOver(link, () => {})
  const large = Array.from({ length: 40 }, (_, n) => Buffer.from(`large ${n}`.padEnd(8_000, '.')))
  await link.settle(owned.snapshot([Buffer.from('first'), ...large, Buffer.alloc(0)]))
  await link.settle(owned.append(Buffer.from('behind the mark'), { traceparent: TRACEPARENT }))
  await takeOver(stream.link(), () => {})
  const loaded: CorpusRecord[] = []
  const copy = copyOf(stream)
  await takeOver(copy.link(), (record) => void loaded.push(corpusRecordOf(record)))
  await writeStream('snapshot', 'a snapshot in two chunks, its manifest, and the log behind its mark', stream, loaded)
}

async function playTwoOwners(stream: MemoryStream): Promise<CorpusRecord[]> {
  const link = stream.link()
  const first = await takeOver(link, () => {})
  await link.settle(first.append(Buffer.from('one')))
  await link.settle(
    Promise.all([
      first.append(Buffer.from('two'), { traceparent: TRACEPARENT }),
      first.append(Buffer.alloc(0)),
      first.append(Buffer.from([0, 0xff])),
    ]),
  )
  const second = await takeOver(link, () => {})
  await link.settle(second.append(Buffer.from('of the second owner')))
  const loaded: CorpusRecord[] = []
  await takeOver(copyOf(stream).link(), (record) => void loaded.push(corpusRecordOf(record)))
  return loaded
}

function copyOf(stream: MemoryStream): MemoryStream {
  const copy = new MemoryStream()
  for (const message of stream.messages) copy.put(message)
  return copy
}

async function writeStream(name: string, note: string, stream: MemoryStream, loaded: CorpusRecord[]): Promise<void> {
  const messages: CorpusStream['messages'][number][] = []
  for (const { sequence, subject, data: octets, headers } of stream.messages) {
    const data = Buffer.from(octets)
    const file = `${name}-${String(sequence).padStart(2, '0')}-${kindOf(subject, data)}.bin`
    await writeFile(join(folder, file), data)
    const expected = headers.get(EXPECTED_LAST_SUBJECT_SEQUENCE)
    messages.push({ file, sequence, subject, ...(expected !== undefined && { expected: Number(expected) }) })
  }
  await writeJson(`${name}.json`, { note, messages, loaded } satisfies CorpusStream)
}

function kindOf(subject: string, data: Buffer): string {
  if (subject === MEMORY_LOG) return decodeLogHeader(data).kind
  return subject === MEMORY_SNAPSHOTS.manifest ? 'manifest' : 'chunk'
}

async function writeSealed(): Promise<void> {
  const random = seededRandom(`corpus ${version}`)
  const keysFile = join(folder, 'sealing-keys.json')
  await writeFile(keysFile, createSealingKeys(random))
  const sealer = await Sealer.load(keysFile)
  const contexts = [
    { recordKey: 'hss/subscriber/1', version: 1, plaintext: 'k of the corpus' },
    { recordKey: 'pcscf/pcscf-0/token-key/7', version: 2, plaintext: '' },
  ]
  const records = contexts.map(({ recordKey, version, plaintext }) => {
    const sealed = sealer.seal(Buffer.from(plaintext), { recordKey, version }).toString('hex')
    return { recordKey, version, sealed, plaintext }
  })
  const hashes = ['sip:alice@example.com', 'tel:+15550100'].map((identity) => {
    return { label: 'impu', identity, hash: sealer.hash('impu', identity) }
  })
  const note = 'sealed by the keys in sealing-keys.json, which were made for this and are used nowhere'
  await writeJson('sealed.json', { note, records, hashes } satisfies CorpusSealed)
}

async function writeJson(name: string, content: object): Promise<void> {
  await writeFile(join(folder, name), `${JSON.stringify(content, null, 2)}\n`)
}
