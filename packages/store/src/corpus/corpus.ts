import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { EXPECTED_LAST_SUBJECT_SEQUENCE } from '../jetstream-api.ts'
import type { LoadedRecord } from '../log/load-log.ts'
import { MemoryStream } from '../testing/memory-link.ts'

/** Where the corpus lies: a folder a format version. */
export const CORPUS: URL = new URL('../../corpus/', import.meta.url)

/** A message of the corpus; its octets lie in `file`. */
export interface CorpusMessage {
  readonly file: string
  readonly sequence: number
  readonly subject: string
  /** What its publisher expected, as the server keeps it with the message. */
  readonly expected?: number
}

/** What a load of the corpus must give. */
export interface CorpusRecord {
  readonly sequence: string
  readonly epoch: string
  /** In hexadecimal, or `sha256:` and its digest when it is long. */
  readonly record: string
  readonly traceparent?: string
  readonly fromSnapshot: boolean
}

/** `stream.json` of one version. */
export interface CorpusStream {
  /** What it is, for a person. */
  readonly note: string
  readonly messages: readonly CorpusMessage[]
  readonly loaded: readonly CorpusRecord[]
}

/** `sealed.json` of one version; the keys lie beside it in `sealing-keys.json`. */
export interface CorpusSealed {
  readonly note: string
  readonly records: readonly {
    readonly recordKey: string
    readonly version: number
    readonly sealed: string
    readonly plaintext: string
  }[]
  readonly hashes: readonly { readonly label: string; readonly identity: string; readonly hash: string }[]
}

/** A longer record stands in `loaded` by its digest. */
const RECORD_OCTETS_MAX = 64

/** What a load gave, as it stands in the corpus. */
export function corpusRecordOf({ sequence, epoch, record, traceparent, fromSnapshot }: LoadedRecord): CorpusRecord {
  const isLong = record.length > RECORD_OCTETS_MAX
  const text = isLong ? `sha256:${createHash('sha256').update(record).digest('hex')}` : record.toString('hex')
  const found = { sequence: String(sequence), epoch: String(epoch), record: text, fromSnapshot }
  return traceparent === undefined ? found : { ...found, traceparent }
}

/** A stream in memory that holds what is in a folder of the corpus, and what a load of it must give. */
export async function readCorpusStream(folder: URL, name: string): Promise<[MemoryStream, CorpusStream]> {
  const content = JSON.parse(await readFile(new URL(`${name}.json`, folder), 'utf8')) as CorpusStream
  const stream = new MemoryStream()
  for (const { file, sequence, subject, expected } of content.messages) {
    const headers = new Map(expected === undefined ? [] : [[EXPECTED_LAST_SUBJECT_SEQUENCE, String(expected)]])
    stream.put({ sequence, subject, data: await readFile(new URL(file, folder)), headers })
  }
  return [stream, content]
}
