import { LogFormatError } from '../errors.ts'

const MANIFEST_VERSION = 1
const ID_FORM = /^[0-9a-f]{32}$/
const DIGEST_FORM = /^[0-9a-f]{64}$/

/** A snapshot: what stands for all of a log before its mark. */
export interface SnapshotManifest {
  /** 16 octets in hexadecimal: the mark in the log and each chunk carry them too. */
  readonly id: string
  /** Sequence of the mark: the log is read from there. */
  readonly mark: number
  /** Epoch of the owner that wrote it. */
  readonly epoch: number
  readonly chunks: number
  readonly records: number
  /** Octets of all chunks. */
  readonly octets: number
  /** SHA-256 over the digests of the chunks in their order, in hexadecimal. */
  readonly digest: string
}

/**
 * Beside each log lies one of these, changed by compare-and-set alone. Every owner writes its epoch into it before it
 * loads, so that an owner that was replaced can no longer name a snapshot, nor purge below one that the load relies on.
 */
export interface Manifest {
  /** Epoch of the latest owner that got so far. */
  readonly owner: number
  readonly snapshot: SnapshotManifest | undefined
}

/** Versioned JSON: it is small, rare, and worth reading by a person. */
export function encodeManifest({ owner, snapshot }: Manifest): Buffer {
  return Buffer.from(JSON.stringify({ version: MANIFEST_VERSION, owner, snapshot: snapshot ?? null }))
}

/** @throws LogFormatError */
export function decodeManifest(octets: Buffer): Manifest {
  let value: unknown
  try {
    value = JSON.parse(octets.toString('utf8'))
  } catch (cause) {
    throw new LogFormatError('a manifest is no JSON', { cause })
  }
  const fields = objectOf(value)
  if (fields.version !== MANIFEST_VERSION) throw new LogFormatError(`a manifest has version ${String(fields.version)}`)
  return {
    owner: wholeOf(fields, 'owner'),
    snapshot: fields.snapshot === null ? undefined : snapshotOf(objectOf(fields.snapshot)),
  }
}

function snapshotOf(fields: Readonly<Record<string, unknown>>): SnapshotManifest {
  return {
    id: textOf(fields, 'id', ID_FORM),
    mark: wholeOf(fields, 'mark'),
    epoch: wholeOf(fields, 'epoch'),
    chunks: wholeOf(fields, 'chunks'),
    records: wholeOf(fields, 'records'),
    octets: wholeOf(fields, 'octets'),
    digest: textOf(fields, 'digest', DIGEST_FORM),
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LogFormatError('a manifest is no object')
  }
  return value as Readonly<Record<string, unknown>>
}

function wholeOf(fields: Readonly<Record<string, unknown>>, name: string): number {
  const value = fields[name]
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw new LogFormatError(`a manifest has ${name} ${JSON.stringify(value)}`)
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string, form: RegExp): string {
  const value = fields[name]
  if (typeof value === 'string' && form.test(value)) return value
  throw new LogFormatError(`a manifest has ${name} ${JSON.stringify(value)}`)
}
