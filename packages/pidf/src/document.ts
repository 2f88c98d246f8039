import type { XmlFragment } from '@rollcall/xml'

/** The two values that RFC 3863 section 4.1.4 defines. */
export type Basic = 'open' | 'closed'

/**
 * A presence document as it was read: what its structure says, and for all the rest spans of its octets, so that what
 * we do not know goes out as it came in.
 */
export interface PidfDocument {
  readonly bytes: Buffer
  readonly entity: string
  readonly tuples: readonly PidfTuple[]
  readonly notes: readonly PidfNote[]
  readonly persons: readonly PidfPerson[]
  readonly devices: readonly PidfDevice[]
  /** Other children of the root, which are of other namespaces. */
  readonly extensions: readonly XmlFragment[]
}

/** RFC 3863 section 4.1.2. */
export interface PidfTuple {
  readonly id: string
  /** Absent: the status says nothing about it, which is legal. */
  readonly basic: Basic | undefined
  /** Other children of `status`. */
  readonly statusExtensions: readonly XmlFragment[]
  readonly extensions: readonly XmlFragment[]
  readonly contact: XmlFragment | undefined
  readonly notes: readonly PidfNote[]
  readonly timestamp: XmlFragment | undefined
}

/** A note, of the PIDF namespace in the root and in tuples, of the data model's in persons and devices. */
export interface PidfNote {
  readonly fragment: XmlFragment
  /** Value of xml:lang; empty when absent. Notes of one parent differ in it (RFC 3863 section 4.1.6). */
  readonly language: string
}

/** RFC 4479 section 3.2. */
export interface PidfPerson {
  readonly id: string
  readonly extensions: readonly XmlFragment[]
  readonly notes: readonly PidfNote[]
  readonly timestamp: PidfTimestamp | undefined
}

/** RFC 4479 section 3.4. */
export interface PidfDevice extends PidfPerson {
  readonly deviceId: string
  readonly deviceIdFragment: XmlFragment
}

/** When a person or device was so. */
export interface PidfTimestamp {
  readonly fragment: XmlFragment
  readonly atMs: number
}
