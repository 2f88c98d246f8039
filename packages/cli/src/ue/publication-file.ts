import { readFile, rm, writeFile } from 'node:fs/promises'

/** For its owner alone, as everything beside it. */
const FILE_MODE = 0o600

/** What the last `ue publish` left at the network. */
interface PublicationRecord {
  readonly entityTag: string
  readonly expiresAtMs: number
}

/**
 * The entity-tag of what these credentials published last, so that the next `ue publish` takes its place instead of standing
 * beside it.
 */
export class PublicationFile {
  readonly #file: string

  constructor(credentialsFile: string) {
    this.#file = `${credentialsFile}.publication`
  }

  /** Nothing when there is none, or none that still lives. A file that cannot be read is as none. */
  async entityTag(nowMs: number): Promise<string | undefined> {
    try {
      const record = JSON.parse(await readFile(this.#file, 'utf8')) as Partial<PublicationRecord>
      const lives = typeof record.entityTag === 'string' && (record.expiresAtMs ?? 0) > nowMs
      return lives ? record.entityTag : undefined
    } catch {
      return undefined
    }
  }

  async write(record: PublicationRecord): Promise<void> {
    await writeFile(this.#file, `${JSON.stringify(record)}\n`, { mode: FILE_MODE })
  }

  async remove(): Promise<void> {
    await rm(this.#file, { force: true })
  }
}
