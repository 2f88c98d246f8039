import { BackupFileError } from './errors.ts'

/*
 * What is in a sealed backup file: frames, each its length (4), its kind (1) and its octets, all numbers big-endian. Kind 1 is a
 * section's beginning or end as JSON. Kind 2 is a message: length of the subject (2), subject, sequence (8), length of the
 * headers (2), headers as a JSON list of pairs, octets of the message.
 *
 * A section holds one partition (the chunks of its snapshot in order, then its log) or one bucket. One that ends as `discarded`
 * was begun again: the partition's owner purged what was being read.
 */

const BACKUP_VERSION = 1
const SECTION = 1
const MESSAGE = 2
const FRAME_HEAD_OCTETS = 5
/** The longest frame is a log message with its headers. */
const FRAME_OCTETS_MAX = 2 * 1024 * 1024

/** One stream as it was at the end of the backup. */
export interface BackupStream {
  readonly service: string
  readonly name: string
  /** No sequence in the backup is larger: a restored stream begins behind it, so that epochs and revisions only grow. */
  readonly lastSequence: number
}

export type BackupSection =
  /** First in the file. */
  | { readonly kind: 'backup'; readonly version: number; readonly madeAt: string; readonly services: readonly string[] }
  | {
      readonly kind: 'partition'
      readonly service: string
      readonly realm: string
      readonly partition: string
      readonly stream: string
      /** The manifest as it lies in the store. */
      readonly manifest: string | null
    }
  | { readonly kind: 'bucket'; readonly service: string; readonly bucket: string; readonly stream: string }
  | { readonly kind: 'discarded' }
  /** Ends a section: what a load of it gives, counted and digested. */
  | { readonly kind: 'complete'; readonly records: number; readonly digest: string }
  /** Last in the file. */
  | {
      readonly kind: 'end'
      readonly sections: number
      readonly streams: readonly BackupStream[]
      readonly shapes: BackupShapes
    }

/** How partitions were cut, a service. */
export type BackupShapes = Readonly<Record<string, { readonly partitions: number; readonly shards: number }>>

export interface BackupMessage {
  readonly subject: string
  readonly sequence: number
  readonly headers: readonly (readonly [string, string])[]
  readonly data: Buffer
}

export type BackupFrame =
  | { readonly kind: 'section'; readonly section: BackupSection }
  | { readonly kind: 'message'; readonly message: BackupMessage }

/** The first section of a backup. */
export function backupBegin(madeAt: Date, services: readonly string[]): BackupSection {
  return { kind: 'backup', version: BACKUP_VERSION, madeAt: madeAt.toISOString(), services }
}

export function encodeSection(section: BackupSection): Buffer {
  return frame(SECTION, Buffer.from(JSON.stringify(section)))
}

export function encodeMessage({ subject, sequence, headers, data }: BackupMessage): Buffer {
  const name = Buffer.from(subject)
  const fields = Buffer.from(JSON.stringify(headers))
  const head = Buffer.alloc(2 + name.length + 8 + 2)
  head.writeUInt16BE(name.length)
  name.copy(head, 2)
  head.writeBigUInt64BE(BigInt(sequence), 2 + name.length)
  head.writeUInt16BE(fields.length, 10 + name.length)
  return frame(MESSAGE, Buffer.concat([head, fields, data]))
}

/**
 * Reads frames out of the octets of a backup. The file's authenticity is checked before; what is not as it should be here is
 * of another version, or our own fault.
 *
 * @throws BackupFileError, and what `octets` throws
 */
export async function* readFrames(
  file: string,
  octets: AsyncIterable<Buffer>,
): AsyncGenerator<BackupFrame, void, undefined> {
  let waiting: Buffer = Buffer.alloc(0)
  for await (const piece of octets) {
    waiting = waiting.length === 0 ? piece : Buffer.concat([waiting, piece])
    let at = 0
    while (waiting.length - at >= FRAME_HEAD_OCTETS) {
      const length = waiting.readUInt32BE(at)
      if (length > FRAME_OCTETS_MAX) throw new BackupFileError(file, `a frame has ${length} octets`)
      const end = at + FRAME_HEAD_OCTETS + length
      if (end > waiting.length) break
      yield decodeFrame(file, waiting[at + 4], waiting.subarray(at + FRAME_HEAD_OCTETS, end))
      at = end
    }
    waiting = waiting.subarray(at)
  }
  if (waiting.length > 0) throw new BackupFileError(file, 'it ends within a frame')
}

function decodeFrame(file: string, kind: number | undefined, octets: Buffer): BackupFrame {
  if (kind === SECTION) {
    const section = JSON.parse(octets.toString()) as BackupSection
    if (section.kind === 'backup' && section.version !== BACKUP_VERSION) {
      throw new BackupFileError(file, `it is a backup of version ${section.version}`)
    }
    return { kind: 'section', section }
  }
  if (kind !== MESSAGE) throw new BackupFileError(file, `a frame has the unknown kind ${kind}`)
  const subjectEnd = 2 + octets.readUInt16BE()
  const headersAt = subjectEnd + 10
  const dataAt = headersAt + octets.readUInt16BE(subjectEnd + 8)
  return {
    kind: 'message',
    message: {
      subject: octets.toString('utf8', 2, subjectEnd),
      sequence: Number(octets.readBigUInt64BE(subjectEnd)),
      headers: JSON.parse(octets.toString('utf8', headersAt, dataAt)) as [string, string][],
      data: octets.subarray(dataAt),
    },
  }
}

function frame(kind: number, octets: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_OCTETS)
  head.writeUInt32BE(octets.length)
  head[4] = kind
  return Buffer.concat([head, octets])
}
