import { readFile, rename, writeFile } from 'node:fs/promises'
import { LedgerBrokenError } from './errors.ts'

/** What was initialised, and by which key: kept beside the data folder, so that either without the other is noticed. */
export interface Ledger {
  /** Fingerprint of the encryption key. */
  readonly key: string
  readonly streams: readonly string[]
}

/** Where the ledger of a data folder lies. */
export function ledgerFileOf(storeDir: string): string {
  return `${storeDir.replace(/\/+$/, '')}.ledger.json`
}

/** @throws LedgerBrokenError */
export async function readLedger(file: string): Promise<Ledger | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new LedgerBrokenError(file, error)
  }
  try {
    const { key, streams } = JSON.parse(text) as Partial<Ledger>
    if (typeof key !== 'string' || !Array.isArray(streams)) throw new LedgerBrokenError(file)
    return { key, streams: streams.map(String) }
  } catch (error) {
    throw error instanceof LedgerBrokenError ? error : new LedgerBrokenError(file, error)
  }
}

/** Writes the whole of it or nothing. */
export async function writeLedger(file: string, ledger: Ledger): Promise<void> {
  const fresh = `${file}.new`
  await writeFile(fresh, `${JSON.stringify(ledger, null, 2)}\n`, { mode: 0o600, flush: true })
  await rename(fresh, file)
}
