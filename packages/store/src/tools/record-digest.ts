import { createHash, type Hash } from 'node:crypto'
import type { LoadedRecord } from '../log/load-log.ts'

/** What a partition or a bucket holds: not where it lies, but what it is. Two stores that say the same hold the same. */
export interface ContentDigest {
  readonly records: number
  /** In hexadecimal. */
  readonly digest: string
}

/** Digests what a load of a partition gives, in its order. */
export class RecordDigest {
  readonly #hash = createHash('sha256')
  #records = 0

  add({ record, traceparent, fromSnapshot }: Omit<LoadedRecord, 'sequence' | 'epoch'>): void {
    this.#records += 1
    put(this.#hash, Buffer.from(fromSnapshot ? 's' : 'l'), Buffer.from(traceparent ?? ''), record)
  }

  finish(): ContentDigest {
    return { records: this.#records, digest: this.#hash.digest('hex') }
  }
}

/** Digests the entries of a bucket, whatever their order; of one that comes twice the later counts. */
export class EntryDigest {
  readonly #entries = new Map<string, Buffer>()

  add(subject: string, headers: readonly (readonly [string, string])[], value: Buffer): void {
    const hash = createHash('sha256')
    put(hash, Buffer.from(JSON.stringify(headers)), value)
    this.#entries.set(subject, hash.digest())
  }

  finish(): ContentDigest {
    const hash = createHash('sha256')
    for (const subject of [...this.#entries.keys()].sort()) {
      put(hash, Buffer.from(subject), this.#entries.get(subject) ?? Buffer.alloc(0))
    }
    return { records: this.#entries.size, digest: hash.digest('hex') }
  }
}

function put(hash: Hash, ...parts: readonly Buffer[]): void {
  for (const part of parts) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    hash.update(length).update(part)
  }
}
