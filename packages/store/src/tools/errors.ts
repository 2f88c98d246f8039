import { RollcallError } from '@rollcall/core'

/** A key for backups is not readable as one. */
export class BackupKeyError extends RollcallError {
  override readonly name = 'BackupKeyError'
  readonly code = 'STORE_BACKUP_KEY'
  readonly file: string
  constructor(file: string, detail: string, cause?: unknown) {
    super(`${file}: ${detail}`, cause === undefined ? {} : { cause })
    this.file = file
  }
}

/** A file is no backup, a damaged or cut off one, or one that another key seals. Nothing of it was used. */
export class BackupFileError extends RollcallError {
  override readonly name = 'BackupFileError'
  readonly code = 'STORE_BACKUP_FILE'
  readonly file: string
  constructor(file: string, detail: string, cause?: unknown) {
    super(`${file}: ${detail}`, cause === undefined ? {} : { cause })
    this.file = file
  }
}

/** A backup is not written over. */
export class BackupExistsError extends RollcallError {
  override readonly name = 'BackupExistsError'
  readonly code = 'STORE_BACKUP_EXISTS'
  readonly file: string
  constructor(file: string) {
    super(`${file} is there already`)
    this.file = file
  }
}

/** What is to be backed up, or was restored, is not whole; `problems` names each place. */
export class StoreBrokenError extends RollcallError {
  override readonly name = 'StoreBrokenError'
  readonly code = 'STORE_BROKEN'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`the store is not whole:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** A restore fills a store that has nothing in it, and makes the streams itself. Nothing was written. */
export class StoreNotEmptyError extends RollcallError {
  override readonly name = 'StoreNotEmptyError'
  readonly code = 'STORE_NOT_EMPTY'
  readonly streams: readonly string[]
  constructor(streams: readonly string[]) {
    super(`${streams.join(', ')}: there already; restore into a NATS that has no streams yet, it makes them itself`)
    this.streams = streams
  }
}

/** A restore stopped in the middle: somebody else wrote, or the store refused. Empty the data folder and begin again. */
export class RestoreStoppedError extends RollcallError {
  override readonly name = 'RestoreStoppedError'
  readonly code = 'STORE_RESTORE_STOPPED'
  readonly subject: string
  constructor(subject: string, detail: string) {
    super(`the restore stopped at ${subject}: ${detail}; empty the data folder, and begin again while no service runs`)
    this.subject = subject
  }
}
