import type { Secret } from '@rollcall/core'
import {
  type BackupFrame,
  type BackupMessage,
  type BackupSection,
  type BackupShapes,
  type BackupStream,
  readFrames,
} from './backup-format.ts'
import { BackupFileError } from './errors.ts'
import type { ContentDigest } from './record-digest.ts'
import { readSealedFile } from './sealed-file.ts'

/** What a backup says of itself when it was read from end to end. */
export interface BackupSummary {
  readonly madeAt: string
  readonly services: readonly string[]
  readonly streams: readonly BackupStream[]
  readonly shapes: BackupShapes
  readonly sections: number
}

export type PartitionSection = Extract<BackupSection, { kind: 'partition' }>
export type BucketSection = Extract<BackupSection, { kind: 'bucket' }>

/** What is done with the sections of a backup. Each message is waited for. */
export interface BackupVisitor {
  partition(section: PartitionSection): Promise<void>
  bucket(section: BucketSection): Promise<void>
  message(message: BackupMessage): Promise<void>
  complete(content: ContentDigest): Promise<void>
}

const NO_VISITOR: BackupVisitor = {
  partition: async () => {},
  bucket: async () => {},
  message: async () => {},
  complete: async () => {},
}

/**
 * Reads a backup from end to end, and gives `visitor` each section that is complete, with all its messages. Whether one is
 * complete is known before: `skip` counts the sections that are not.
 *
 * @throws BackupFileError, and what `visitor` throws
 */
export async function readBackup(
  file: string,
  key: Secret,
  o: { visitor?: BackupVisitor; discarded?: ReadonlySet<number> } = {},
): Promise<BackupSummary & { readonly discarded: ReadonlySet<number> }> {
  const reading = new Reading(file, o.visitor ?? NO_VISITOR, o.discarded ?? new Set())
  for await (const frame of readFrames(file, readSealedFile(file, key))) await reading.take(frame)
  return reading.summary()
}

class Reading {
  readonly #file: string
  readonly #visitor: BackupVisitor
  readonly #skipped: ReadonlySet<number>
  readonly #discarded = new Set<number>()
  #begin: Extract<BackupSection, { kind: 'backup' }> | undefined
  #end: Extract<BackupSection, { kind: 'end' }> | undefined
  /** Sections begun so far, complete or not. */
  #begun = 0
  #complete = 0
  #isOpen = false

  constructor(file: string, visitor: BackupVisitor, skipped: ReadonlySet<number>) {
    this.#file = file
    this.#visitor = visitor
    this.#skipped = skipped
  }

  async take(frame: BackupFrame): Promise<void> {
    if (this.#end) this.#refuse('something follows its end')
    if (frame.kind === 'section') return await this.#section(frame.section)
    if (!this.#isOpen) this.#refuse('a message is in no section')
    if (!this.#isSkipped) await this.#visitor.message(frame.message)
  }

  summary(): BackupSummary & { readonly discarded: ReadonlySet<number> } {
    const [begin, end] = [this.#begin, this.#end]
    if (!begin || !end || this.#complete !== end.sections) this.#refuse('it is not complete')
    const { madeAt, services } = begin
    const { streams, shapes, sections } = end
    return { madeAt, services, streams, shapes, sections, discarded: this.#discarded }
  }

  get #isSkipped(): boolean {
    return this.#skipped.has(this.#begun)
  }

  async #section(section: BackupSection): Promise<void> {
    if ((section.kind === 'backup') !== (this.#begin === undefined)) this.#refuse('it does not begin as a backup')
    switch (section.kind) {
      case 'backup':
        this.#begin = section
        return
      case 'partition':
      case 'bucket':
        if (this.#isOpen) this.#refuse('a section begins within another')
        this.#isOpen = true
        this.#begun += 1
        if (this.#isSkipped) return
        if (section.kind === 'partition') await this.#visitor.partition(section)
        else await this.#visitor.bucket(section)
        return
      case 'discarded':
      case 'complete':
        if (!this.#isOpen) this.#refuse('a section ends that did not begin')
        this.#isOpen = false
        if (section.kind === 'discarded') this.#discarded.add(this.#begun)
        else {
          this.#complete += 1
          await this.#visitor.complete(section)
        }
        return
      case 'end':
        if (this.#isOpen) this.#refuse('it ends within a section')
        this.#end = section
    }
  }

  #refuse(detail: string): never {
    throw new BackupFileError(this.#file, detail)
  }
}
