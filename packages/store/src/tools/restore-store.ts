import type { Secret } from '@rollcall/core'
import type { StoreConnection, StoreTls } from '../connection.ts'
import { StreamMissingError } from '../errors.ts'
import { connectAdmin } from '../init/connect-admin.ts'
import { type InitStoreOptions, initStore } from '../init/init-store.ts'
import { JS_SUBJECT_BUSY, publish, streamInfo } from '../jetstream-api.ts'
import { DEFAULT_SHAPE, STORE_SERVICES, type StoreService, streamsOf } from '../layout.ts'
import { pause } from '../pause.ts'
import { encodeManifest } from '../snapshot/manifest.ts'
import type { BackupMessage } from './backup-format.ts'
import { BackupFileError, RestoreStoppedError, StoreBrokenError, StoreNotEmptyError } from './errors.ts'
import {
  type BackupSummary,
  type BackupVisitor,
  type BucketSection,
  type PartitionSection,
  readBackup,
} from './read-backup.ts'
import type { ContentDigest } from './record-digest.ts'
import { LogRewriter } from './rewrite-log.ts'
import { type VerifiedContent, verifyStore } from './verify-store.ts'

const CALL_MS_MAX = 10_000
const PUBLISH_MS_MAX = 30_000
const BUSY_WAIT_MS = 5
/** Chunks and entries that are on their way at once: each has a subject of its own. */
const UNDER_WAY_MAX = 32

export interface RestoreOptions extends Omit<InitStoreOptions, 'services' | 'shape' | 'firstSequenceOf'> {
  readonly file: string
  readonly key: Secret
  /** Certificate of the role `storeBackupRole(service)`: what was restored is read again. */
  readonly backupTlsOf: (service: StoreService) => StoreTls
}

/**
 * Fills an empty NATS from a backup: makes the streams as `initStore` does, each beginning behind the last sequence that it had, so
 * that epochs and revisions only grow; writes each partition's snapshot and log anew, and each bucket's entries; and reads all of
 * it again. No service may run meanwhile. NATS must let the administrators write: `isRestoring` of `renderNatsConfig`.
 *
 * @throws BackupFileError before anything is written; StoreNotEmptyError likewise; what `initStore` throws; RestoreStoppedError;
 *   StoreBrokenError when what was read again is not what is in the backup
 */
export async function restoreStore(
  o: RestoreOptions,
): Promise<BackupSummary & { contents: readonly VerifiedContent[] }> {
  // From end to end before anything is made: what is damaged restores nothing.
  const summary = await readBackup(o.file, o.key)
  const services = STORE_SERVICES.filter((service) => summary.services.includes(service))
  if (services.length !== summary.services.length) {
    throw new BackupFileError(o.file, `it holds services that are not known: ${summary.services.join(', ')}`)
  }
  const connections = new Map<StoreService, StoreConnection>()
  try {
    for (const service of services) connections.set(service, await connectAdmin(o, service))
    await refuseStreams(connections, summary)
    for (const service of services) await makeStreams(o, service, summary)
    const restoring = new Restoring(connections)
    await readBackup(o.file, o.key, { visitor: restoring, discarded: summary.discarded })
    const contents = await verifyRestored(o, services, restoring.contents)
    return { ...summary, contents }
  } finally {
    for (const connection of connections.values()) await connection.close()
  }
}

async function refuseStreams(
  connections: ReadonlyMap<StoreService, StoreConnection>,
  summary: BackupSummary,
): Promise<void> {
  const found: string[] = []
  for (const [service, connection] of connections) {
    for (const { name, kind } of streamsOf(service, summary.shapes[service] ?? DEFAULT_SHAPE)) {
      try {
        await streamInfo(connection, name, CALL_MS_MAX)
        if (kind !== 'lease' && kind !== 'expiring') found.push(name)
      } catch (error) {
        if (!(error instanceof StreamMissingError)) throw error
      }
    }
  }
  // guard: restore-empty — a restore writes over nothing
  if (found.length > 0) throw new StoreNotEmptyError(found)
}

async function makeStreams(o: RestoreOptions, service: StoreService, summary: BackupSummary): Promise<void> {
  const last = new Map(summary.streams.map(({ name, lastSequence }) => [name, lastSequence]))
  await initStore({
    ...o,
    services: [service],
    shape: summary.shapes[service] ?? DEFAULT_SHAPE,
    firstSequenceOf: (stream) => {
      const lastSequence = last.get(stream)
      return lastSequence === undefined ? undefined : lastSequence + 1
    },
  })
}

async function verifyRestored(
  o: RestoreOptions,
  services: readonly StoreService[],
  expected: readonly VerifiedContent[],
): Promise<readonly VerifiedContent[]> {
  const { url, clock, backupTlsOf } = o
  const { contents, problems } = await verifyStore({ url, clock, backupTlsOf, services })
  const found = new Map(contents.map((content) => [content.name, content]))
  const differing = expected.filter(({ name, records, digest }) => {
    const content = found.get(name)
    return content?.records !== records || content.digest !== digest
  })
  const all = [...problems, ...differing.map(({ name }) => `${name} does not hold what the backup does`)]
  if (all.length > 0) throw new StoreBrokenError(all)
  return contents
}

/** Writes what it is given by a reading of the backup. */
class Restoring implements BackupVisitor {
  readonly contents: VerifiedContent[] = []
  readonly #connections: ReadonlyMap<StoreService, StoreConnection>
  #section: { readonly of: PartitionSection; readonly log: LogRewriter } | { readonly of: BucketSection } | undefined
  #connection: StoreConnection | undefined
  /** Sequence of the message that was written last to a subject. */
  readonly #last = new Map<string, number>()
  readonly #underWay = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  constructor(connections: ReadonlyMap<StoreService, StoreConnection>) {
    this.#connections = connections
  }

  async partition(section: PartitionSection): Promise<void> {
    this.#open(section.service)
    this.#section = { of: section, log: new LogRewriter(section.manifest) }
  }

  async bucket(section: BucketSection): Promise<void> {
    this.#open(section.service)
    this.#section = { of: section }
  }

  async message(message: BackupMessage): Promise<void> {
    const section = this.#section
    if (!section) return
    if ('log' in section && message.subject === logSubjectOf(section.of))
      return await this.#logMessage(section.log, message)
    // A key that was changed during the backup comes twice: the later one waits for the earlier one.
    if (this.#last.has(message.subject)) await this.#settle()
    await this.#start(this.#publish(message.subject, message.data, message.headers))
  }

  async complete(content: ContentDigest): Promise<void> {
    const section = this.#section
    if (!section) return
    await this.#settle()
    this.#section = undefined
    this.#last.clear()
    if (!('log' in section)) {
      this.contents.push({ name: section.of.stream, records: content.records, digest: content.digest })
      return
    }
    const manifest = section.log.manifest()
    const { service, realm, partition } = section.of
    if (manifest) await this.#publish(`${service}.${realm}.snap.${partition}.manifest`, encodeManifest(manifest), [])
    this.contents.push({ name: logSubjectOf(section.of), records: content.records, digest: content.digest })
  }

  #open(service: string): void {
    this.#connection = this.#connections.get(service as StoreService)
  }

  async #logMessage(log: LogRewriter, { subject, sequence, data }: BackupMessage): Promise<void> {
    const now = await this.#publish(subject, log.rewrite(data), [])
    log.published(data, sequence, now)
  }

  /** Waits only for room. */
  async #start(write: Promise<unknown>): Promise<void> {
    const settled = write
      .then(
        () => {},
        (error: unknown) => {
          this.#failure ??= { error }
        },
      )
      .finally(() => this.#underWay.delete(settled))
    this.#underWay.add(settled)
    if (this.#underWay.size >= UNDER_WAY_MAX) await Promise.race(this.#underWay)
    if (this.#failure) throw this.#failure.error
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#underWay)
    if (this.#failure) throw this.#failure.error
  }

  async #publish(subject: string, data: Buffer, headers: BackupMessage['headers']): Promise<number> {
    const connection = this.#connection
    if (!connection) throw new RestoreStoppedError(subject, 'it belongs to no service')
    const expected = this.#last.get(subject) ?? 0
    for (;;) {
      const answer = await publish(connection, { subject, data, expected, headers, timeoutMs: PUBLISH_MS_MAX })
      if (answer.ok) {
        this.#last.set(subject, answer.sequence)
        return answer.sequence
      }
      if (answer.errorCode !== JS_SUBJECT_BUSY) {
        throw new RestoreStoppedError(subject, `${answer.description} (${answer.errorCode})`)
      }
      await pause(connection.clock, BUSY_WAIT_MS)
    }
  }
}

function logSubjectOf({ service, realm, partition }: PartitionSection): string {
  return `${service}.${realm}.log.${partition}`
}
