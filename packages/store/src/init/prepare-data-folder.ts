import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { natsKeyFingerprint } from '../nats/nats-key.ts'
import { checkDataFolder, type DataFolder } from './data-folder.ts'
import { writeLedger } from './ledger.ts'
import { repairDataFolder } from './repair-data-folder.ts'

/**
 * What runs before each start of a nats-server whose data folder `rollcall store init` cannot see, as in a container: checks
 * that key and data belong together, notes the key beside a folder that is new, and removes what a killed server left behind.
 * Gives the files that it removed.
 *
 * @throws InvalidNatsKeyError, NatsKeyMismatchError, LedgerMissingError, LedgerBrokenError
 */
export async function prepareDataFolder(o: DataFolder): Promise<string[]> {
  const { ledgerFile, ledger } = await checkDataFolder(o)
  if (!ledger) {
    await mkdir(dirname(ledgerFile), { recursive: true, mode: 0o700 })
    // guard: store-key-noted — a key that nobody noted is not missed when another one comes, and the streams are made anew
    await writeLedger(ledgerFile, { key: natsKeyFingerprint(o.encryptionKey), streams: [] })
  }
  return await repairDataFolder(o.storeDir)
}
