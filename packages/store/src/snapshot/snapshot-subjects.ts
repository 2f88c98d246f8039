import { type LogService, realmToken } from '../layout.ts'

/** Subjects beside a partition's log, in the same stream. */
export interface SnapshotSubjects {
  /** Where the manifest lies: who owns the partition and which snapshot is in force. */
  readonly manifest: string
  /** Matches the chunks of every snapshot, and not the manifest. */
  readonly chunks: string
}

/** `presence.<realm>.snap.3.manifest` and `presence.<realm>.snap.3.*.*`. */
export function snapshotSubjects(service: LogService, realm: string, partition: string): SnapshotSubjects {
  const prefix = `${service}.${realmToken(realm)}.snap.${partition}`
  return { manifest: `${prefix}.manifest`, chunks: `${prefix}.*.*` }
}

/** Subject of one chunk. `id` is the snapshot's, in hexadecimal. */
export function chunkSubject(subjects: SnapshotSubjects, id: string, index: number): string {
  return subjects.chunks.replace(/\*\.\*$/, `${id}.${index}`)
}

/** Matches the chunks of one snapshot. */
export function chunksOfSnapshot(subjects: SnapshotSubjects, id: string): string {
  return subjects.chunks.replace(/\*\.\*$/, `${id}.*`)
}
