import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Secret } from '@rollcall/core'
import { isNatsKey, natsKeyFingerprint } from '../nats/nats-key.ts'
import { InvalidNatsKeyError, LedgerMissingError, NatsKeyMismatchError } from './errors.ts'
import { type Ledger, ledgerFileOf, readLedger } from './ledger.ts'

/** The data folder of a nats-server on this machine, and the key that it is given. */
export interface DataFolder {
  readonly storeDir: string
  readonly encryptionKey: Secret
}

/** What a data folder was found to be. */
export interface DataFolderState {
  readonly ledgerFile: string
  readonly ledger: Ledger | undefined
  /** Streams that lie on disk, as `ACCOUNT/name`. */
  readonly streamsOnDisk: ReadonlySet<string>
}

/**
 * Checks that key and data belong together, before a nats-server is started on them: with another key it would start
 * "ready" and without its streams.
 *
 * @throws InvalidNatsKeyError, NatsKeyMismatchError, LedgerMissingError, LedgerBrokenError
 */
export async function checkDataFolder(o: DataFolder): Promise<DataFolderState> {
  if (!isNatsKey(o.encryptionKey)) throw new InvalidNatsKeyError()
  const ledgerFile = ledgerFileOf(o.storeDir)
  const ledger = await readLedger(ledgerFile)
  const streamsOnDisk = await findStreams(o.storeDir)
  // guard: store-key-mismatch — with another key a server would start without its streams
  if (ledger && ledger.key !== natsKeyFingerprint(o.encryptionKey)) throw new NatsKeyMismatchError(o.storeDir)
  if (!ledger && streamsOnDisk.size > 0) throw new LedgerMissingError(o.storeDir, ledgerFile)
  return { ledgerFile, ledger, streamsOnDisk }
}

/** nats-server keeps a stream in `store_dir/jetstream/ACCOUNT/streams/NAME`. */
async function findStreams(storeDir: string): Promise<Set<string>> {
  const found = new Set<string>()
  const root = join(storeDir, 'jetstream')
  for (const account of await foldersIn(root)) {
    for (const stream of await foldersIn(join(root, account, 'streams'))) found.add(`${account}/${stream}`)
  }
  return found
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
